//===- TargetDialect.td - The target dialect: which device a module is for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_IR_TARGETDIALECT_TD
#define VERNIER_TARGET_IR_TARGETDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Target_Dialect : Dialect {
  let name = "target";
  let cppNamespace = "::vernier::target";
  let summary = "Which device a module is compiled for";
  let description = [{
    The device, as an attribute of the module that every pass reads, so that it
    is found once in a compile. The dialect has no ops.

    Attributes on other dialects' ops:

    | attribute | on | meaning |
    |---|---|---|
    | `target.device` | the module | the device that it is compiled for, a `#target.device`, by `--attach-target`. A module without it is for the portable CPU |
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

def Target_DeviceAttr : AttrDef<Target_Dialect, "Device"> {
  let mnemonic = "device";
  let summary = "A device that modules are compiled for";
  let description = [{
    `spelling` is the canonical one of TargetModel, `features` how a CPU differs
    from others of that name (LLVM's feature string; empty for those that do
    not). The facts of the device are found when the attribute is made and live
    as long as the context.

    Constraints:
    - (D1) there is such a device.

    Example: `#target.device<"cuda:sm_80">`,
    `#target.device<"cpu:znver5", "-avx512fp16">`
  }];
  let parameters = (ins StringRefParameter<>:$spelling,
                        StringRefParameter<"", [{""}]>:$features);
  let assemblyFormat = "`<` $spelling (`,` $features^)? `>`";
  let genStorageClass = 0;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The attribute of a device that was parsed.
    static DeviceAttr get(::mlir::MLIRContext *context,
                          const ::vernier::TargetModel &model);
    const ::vernier::TargetModel &getModel() const;
  }];
}

#endif // VERNIER_TARGET_IR_TARGETDIALECT_TD
