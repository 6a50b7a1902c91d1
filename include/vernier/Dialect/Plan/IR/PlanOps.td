//===- PlanOps.td - The plan dialect: how a step runs on a device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_IR_PLANOPS_TD
#define VERNIER_DIALECT_PLAN_IR_PLANOPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "vernier/Dialect/Plan/IR/PlanInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::vernier::plan";
  let summary = "How a training step runs on a device";
  let description = [{
    One op for each runtime call, in the order in which they run. Buffers are
    static: `plan.alloc` is a range of the one arena, `plan.state_buffer` the
    memory of a state, `plan.input` memory that the caller fills. The file format
    (`include/vernier-c/plan.fbs`) mirrors these ops one to one.
  }];
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Plan_BufferType : TypeDef<Plan_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Memory of a dense row-major tensor";
  let description = [{
    Example: `!plan.buffer<256x4096xbf16>`. Booleans take a byte each.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
    /// Size in memory, without padding.
    int64_t getNumBytes() const;
  }];
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

class Plan_Op<string mnemonic, list<Trait> traits = []>
    : Op<Plan_Dialect, mnemonic, traits>;

def Plan_StateOp : Plan_Op<"state", [Symbol]> {
  let summary = "Memory that outlives a step";
  let description = [{
    A parameter, moment, counter, loss scale or 16-bit copy, by name. `init` is
    an initialiser attribute or a dense value; a copy has none: the `refresh`
    entry derives it from `copy_of`. `offset` is its place in the state memory,
    -1 until buffers are assigned. Where dims are padded with zeros in memory,
    `logical_shape` is the shape without the padding: that of `init`, of
    checkpoints and of the C API. `labels` names the elements, for messages.

    Example:
    ```mlir
    plan.state @w role "parameter" : !plan.buffer<4x4xf32> {init = dense<0.0> : tensor<4x4xf32>}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$role, TypeAttrOf<Plan_BufferType>:$type,
                       OptionalAttr<AnyAttr>:$init, OptionalAttr<FlatSymbolRefAttr>:$copy_of,
                       DefaultValuedAttr<I64Attr, "-1">:$offset,
                       OptionalAttr<DenseI64ArrayAttr>:$logical_shape,
                       OptionalAttr<StrArrayAttr>:$labels);
  let assemblyFormat = "$sym_name `role` $role `:` $type attr-dict";
}

def Plan_EntryOp : Plan_Op<"entry", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator]> {
  let summary = "A function of the plan";
  let description = [{
    The calls that run, in order, when the entry is invoked: `step` trains,
    `loss` evaluates, `predict` infers, `refresh` derives the copies from their
    masters. `arena_bytes` is what its allocs need, -1 until buffers are assigned.

    Example:
    ```mlir
    plan.entry @predict {
      %x = plan.input "x" : !plan.buffer<8x4xf32>
      %y = plan.alloc : !plan.buffer<8x4xf32>
      plan.copy %x to %y : !plan.buffer<8x4xf32> to !plan.buffer<8x4xf32>
      plan.output "y" %y : !plan.buffer<8x4xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       DefaultValuedAttr<I64Attr, "-1">:$arena_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    /// The most bytes that the forward part keeps at one time for the backward
    /// part, inputs included: what one loss has kept may be given back before
    /// the forward part of another begins.
    int64_t getSavedBytes();
    /// The number, within the entry, of the last op that names each buffer of
    /// the arena, itself or a view of it; for outputs the number behind the
    /// last op.
    llvm::DenseMap<mlir::Operation *, int64_t> getLastUses();
  }];
}

/// `overridden`: the methods of PlanCallOpInterface that the op defines itself.
class Plan_CallOp<string mnemonic, list<Trait> traits = [], list<string> overridden = []>
    : Plan_Op<mnemonic, traits # [DeclareOpInterfaceMethods<PlanCallOpInterface, overridden>]>;

class Plan_BufferOp<string mnemonic, list<Trait> traits = []> : Plan_Op<mnemonic, traits> {
  let results = (outs Plan_BufferType:$buffer);
}

def Plan_InputOp : Plan_BufferOp<"input"> {
  let summary = "Memory that the caller fills before a run";
  let description = [{
    `classes` is set where the values are class indices: the data must lie in
    [0, classes). `offset` is its place in the arena. `saved` marks what the
    backward part reads again.

    Example:
    ```mlir
    plan.entry @e {
      %y = plan.input "label" : !plan.buffer<8xi32> {classes = 10 : i64}
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<I64Attr>:$classes,
                       DefaultValuedAttr<I64Attr, "-1">:$offset,
                       UnitAttr:$saved);
  let assemblyFormat = "$name `:` type($buffer) attr-dict";
}

def Plan_OutputOp : Plan_Op<"output"> {
  let summary = "A named result of an entry";
  let description = [{
    The buffer's contents at the end of the entry are the result `name`.

    Example:
    ```mlir
    plan.entry @e {
      %y = plan.input "x" : !plan.buffer<8xf32>
      plan.output "y" %y : !plan.buffer<8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, Plan_BufferType:$buffer);
  let assemblyFormat = "$name $buffer `:` type($buffer) attr-dict";
}

def Plan_StateBufferOp : Plan_BufferOp<"state_buffer"> {
  let summary = "The memory of a state";
  let description = [{
    Reads and writes through it change the state.

    Constraints:
    - (P1) `state` is a plan.state of the buffer's type.

    Example:
    ```mlir
    plan.state @w role "parameter" : !plan.buffer<4x4xf32>
    plan.entry @e {
      %w = plan.state_buffer @w : !plan.buffer<4x4xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let assemblyFormat = "$state `:` type($buffer) attr-dict";
}

def Plan_ConstantOp : Plan_BufferOp<"constant"> {
  let summary = "Memory with fixed contents";
  let description = [{
    Stored in the plan; never written. Splat values that fusions read are folded
    into the kernels and need none.

    Example:
    ```mlir
    plan.entry @e {
      %c = plan.constant dense<[1.0, 2.0]> : tensor<2xf32> : !plan.buffer<2xf32>
    }
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let assemblyFormat = "$value `:` type($buffer) attr-dict";
}

def Plan_AllocOp : Plan_BufferOp<"alloc"> {
  let summary = "A range of the arena";
  let description = [{
    Lives from its first to its last use in the entry. `offset` is -1 until
    buffers are assigned. `saved` marks what the forward part keeps for the
    backward part.

    Example:
    ```mlir
    plan.entry @e {
      %a = plan.alloc : !plan.buffer<8x4xbf16> {offset = 64 : i64}
    }
    ```
  }];
  let arguments = (ins DefaultValuedAttr<I64Attr, "-1">:$offset, UnitAttr:$saved);
  let assemblyFormat = "`:` type($buffer) attr-dict";
}

def Plan_ViewOp : Plan_BufferOp<"view"> {
  let summary = "The same memory under another shape";
  let description = [{
    The elements of the source, or the first of them, under another shape.

    Constraints:
    - (P3) source and result hold elements of one type, the result no more than the
      source.

    Example:
    ```mlir
    plan.entry @e {
      %x = plan.input "x" : !plan.buffer<8x4xf32>
      %y = plan.view %x : !plan.buffer<8x4xf32> to !plan.buffer<32xf32>
    }
    ```
  }];
  let arguments = (ins Plan_BufferType:$source);
  let assemblyFormat = "$source `:` type($source) `to` type($buffer) attr-dict";
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_CallOp<"launch", [AttrSizedOperandSegments],
                                ["getCallInputs", "getCallResults"]> {
  let summary = "Runs a generated kernel";
  let description = [{
    Calls `kernel(args, begin, end)` over disjoint ranges that cover [0, grid);
    every range but the last is a multiple of `grain` long. The kernel writes
    `outputs` and reads `inputs`; an output may be the same buffer as an input
    where the kernel reads each element before it writes it. Results do not
    depend on how the grid is split. `backward` marks the part after the loss.

    Example:
    ```mlir
    plan.entry @e {
      %a = plan.input "x" : !plan.buffer<64xf32>
      %b = plan.alloc : !plan.buffer<64xf32>
      plan.launch "k0" (%a) to (%b) grid = 64 grain = 16 : (!plan.buffer<64xf32>) to (!plan.buffer<64xf32>)
    }
    ```
  }];
  let arguments = (ins StrAttr:$kernel, Variadic<Plan_BufferType>:$inputs,
                       Variadic<Plan_BufferType>:$outputs, I64Attr:$grid, I64Attr:$grain);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` `to` `(` $outputs `)` `grid` `=` custom<PlainI64>($grid) `grain` `=` custom<PlainI64>($grain)
    `:` `(` type($inputs) `)` `to` `(` type($outputs) `)` attr-dict
  }];
}

def Plan_MatmulOp : Plan_CallOp<"matmul"> {
  let summary = "A matrix product by the device's library";
  let description = [{
    result(b, m, n) = epilogue(sum over k of lhs(b, m, k) rhs(b, k, n) + bias(n)),
    sums in f32. `transpose_*`: stored with the last two dims swapped. `lhs_ld`,
    `rhs_ld`, `result_ld` are leading dimensions in elements (a row's stride).
    The library is called on fixed tiles of `tile_m` x `tile_n` of the result, so
    that its bits do not depend on the number of threads.

    Constraints:
    - (P2) the buffers hold what the extents and leading dimensions ask for.

    Example:
    ```mlir
    plan.entry @e {
      %a = plan.input "a" : !plan.buffer<8x16xf32>
      %b = plan.input "b" : !plan.buffer<16x4xf32>
      %c = plan.alloc : !plan.buffer<8x4xf32>
      plan.matmul %a, %b to %c batch = 1 m = 8 n = 4 k = 16 : !plan.buffer<8x16xf32>, !plan.buffer<16x4xf32> to !plan.buffer<8x4xf32> {lhs_ld = 16 : i64, rhs_ld = 4 : i64, result_ld = 4 : i64, tile_m = 8 : i64, tile_n = 4 : i64}
    }
    ```
  }];
  let arguments = (ins Plan_BufferType:$lhs, Plan_BufferType:$rhs, Optional<Plan_BufferType>:$bias,
                       Plan_BufferType:$result,
                       I64Attr:$batch, I64Attr:$m, I64Attr:$n, I64Attr:$k,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs, UnitAttr:$shared_rhs,
                       I64Attr:$lhs_ld, I64Attr:$rhs_ld, I64Attr:$result_ld,
                       I64Attr:$tile_m, I64Attr:$tile_n, UnitAttr:$relu);
  let assemblyFormat = [{
    $lhs `,` $rhs (`bias` $bias^)? `to` $result
    `batch` `=` custom<PlainI64>($batch) `m` `=` custom<PlainI64>($m)
    `n` `=` custom<PlainI64>($n) `k` `=` custom<PlainI64>($k)
    `:` type($lhs) `,` type($rhs) (`bias` type($bias)^)? `to` type($result) attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_TransposeOp : Plan_CallOp<"transpose"> {
  let summary = "Permutes dims into another buffer, by the device's library";
  let description = [{
    Dim i of the result is dim `permutation[i]` of the source.

    Example:
    ```mlir
    plan.entry @e {
      %a = plan.input "a" : !plan.buffer<8x16xf32>
      %b = plan.alloc : !plan.buffer<16x8xf32>
      plan.transpose %a to %b permutation = [1, 0] : !plan.buffer<8x16xf32> to !plan.buffer<16x8xf32>
    }
    ```
  }];
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$result,
                       DenseI64ArrayAttr:$permutation);
  let assemblyFormat = [{
    $source `to` $result `permutation` `=` $permutation `:` type($source) `to` type($result) attr-dict
  }];
}

def Plan_CopyOp : Plan_CallOp<"copy"> {
  let summary = "Copies a buffer, or a box of it, into another size";
  let description = [{
    result(i) = source(i + offset) where the source has that element, else zero:
    a larger result is padded, a smaller one cut out. With `keep` the elements
    that have no source stay as they are, so that several copies fill one result.
    `offset` has one number for each dim, negative ones move the source inwards;
    none means zeros.

    Constraints:
    - (P4) source and result have one element type and rank, which `offset` has
      too.

    Example:
    ```mlir
    plan.entry @e {
      %x = plan.input "x" : !plan.buffer<8x4xf32>
      %y = plan.alloc : !plan.buffer<8x8xf32>
      plan.copy %x to %y : !plan.buffer<8x4xf32> to !plan.buffer<8x8xf32>
      %z = plan.alloc : !plan.buffer<2x4xf32>
      plan.copy %x to %z offset = [3, 0] : !plan.buffer<8x4xf32> to !plan.buffer<2x4xf32>
    }
    ```
  }];
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$result,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$offset, UnitAttr:$keep);
  let assemblyFormat = [{
    $source `to` $result (`offset` `=` $offset^)? `:` type($source) `to` type($result) attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_ConvolutionOp : Plan_CallOp<"convolution", [], ["getCallInputs", "getCallResults"]> {
  let summary = "A convolution or one of its gradients by the device's library";
  let description = [{
    `kind` says which of the three buffers is computed from the other two:
    `output` (train.conv2d), `image` (its gradient) or `weight` (its gradient).
    Images are (N, H, W, C), weights (O, KH, KW, C / groups). The library is called
    on `tile` images at a time; gradients of the weight are summed over the tiles
    in order, so that the bits do not depend on the number of threads.

    Constraints:
    - (P5) the buffers have rank 4 and the attributes two, four and two numbers.

    Example:
    ```mlir
    plan.entry @e {
      %x = plan.input "x" : !plan.buffer<2x8x8x3xf32>
      %w = plan.input "w" : !plan.buffer<16x3x3x3xf32>
      %y = plan.alloc : !plan.buffer<2x8x8x16xf32>
      plan.convolution "output" %x, %w, %y : !plan.buffer<2x8x8x3xf32>, !plan.buffer<16x3x3x3xf32>, !plan.buffer<2x8x8x16xf32> {strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, tile = 1 : i64}
    }
    ```
  }];
  let arguments = (ins StrAttr:$kind, Plan_BufferType:$image, Plan_BufferType:$weight,
                       Plan_BufferType:$output, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
                       I64Attr:$groups, I64Attr:$tile);
  let assemblyFormat = [{
    $kind $image `,` $weight `,` $output `:` type($image) `,` type($weight) `,` type($output) attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_PoolOp : Plan_CallOp<"pool"> {
  let summary = "Pools images, or its gradient";
  let description = [{
    `kind` is "max" or "average". Without `gradient` the windows of the source
    are combined into the result. With it the source is the gradient of that, and
    is given back to the elements of the windows: for "max" to the largest of
    `image`. An empty `window` means adaptive windows.

    Constraints:
    - (P6) the buffers have rank 4 and the attributes two, two and four numbers.

    Example:
    ```mlir
    plan.entry @e {
      %x = plan.input "x" : !plan.buffer<2x8x8x3xf32>
      %y = plan.alloc : !plan.buffer<2x4x4x3xf32>
      plan.pool "max" %x to %y : !plan.buffer<2x8x8x3xf32> to !plan.buffer<2x4x4x3xf32> {window = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>}
    }
    ```
  }];
  let arguments = (ins StrAttr:$kind, Plan_BufferType:$source, Optional<Plan_BufferType>:$image,
                       Plan_BufferType:$result, DenseI64ArrayAttr:$window,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       UnitAttr:$gradient);
  let assemblyFormat = [{
    $kind $source (`image` $image^)? `to` $result `:` type($source) (`image` type($image)^)? `to` type($result) attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_GatherOp : Plan_CallOp<"gather"> {
  let summary = "Rows of a table by index, or sums of rows by index";
  let description = [{
    Row i of the result is row indices(i) of the source, which has `rows` rows,
    and zero if there is none. With `add` row v of the result, which has `rows`
    rows, is the sum, in order, of the rows i of the source with indices(i) = v.

    Constraints:
    - (P7) the rows of source and result have one length; there is one index for
      each row of the result, with `add` of the source.

    Example:
    ```mlir
    plan.entry @e {
      %t = plan.input "t" : !plan.buffer<100x16xf32>
      %i = plan.input "i" : !plan.buffer<8xi32>
      %y = plan.alloc : !plan.buffer<8x16xf32>
      plan.gather %t, %i to %y rows = 100 : !plan.buffer<100x16xf32>, !plan.buffer<8xi32> to !plan.buffer<8x16xf32>
    }
    ```
  }];
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$indices,
                       Plan_BufferType:$result, I64Attr:$rows, UnitAttr:$add);
  let assemblyFormat = [{
    $source `,` $indices `to` $result `rows` `=` custom<PlainI64>($rows)
    `:` type($source) `,` type($indices) `to` type($result) attr-dict
  }];
  let hasVerifier = 1;
}

#endif // VERNIER_DIALECT_PLAN_IR_PLANOPS_TD
