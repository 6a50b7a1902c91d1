#===- init-torch.py - A model of PyTorch goes on here
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The state dict of a torch.nn.Sequential, in f32, f64, f16 and bf16: its outputs,
# and the losses of plain gradient descent from there on, are those of PyTorch.
# REQUIRES: numpy, torch, compiler
# RUN: %python %s %t

import torch

from Inputs import safetensors
from Inputs.runner import *

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
STEPS, LR = 10, 0.05
NAMES = ("--init-map", "fc1.*=net.0.*", "--init-map", "fc2.*=net.2.*", "--init-map", "fc3.*=net.4.*")


def state_dict(model, dtype):
    """As safetensors.torch would write it; torch's own bfloat16 bits."""
    tensors = {}
    for name, value in model.state_dict().items():
        value = value.to(dtype).contiguous()
        tensors["net." + name] = (safetensors.Raw("BF16", value.shape, value.view(torch.int16).numpy().tobytes())
                                  if dtype == torch.bfloat16 else value.numpy())
    return tensors


class Torch(RunnerTest):
    def test_state_dict(self):
        torch.manual_seed(1)
        subprocess.run(["vernier-compile", DIGITS / "mlp.mlir", "-o", "m.vplan", "--policy=f32",
                        f"--optimizer=sgd,lr={LR}"], check=True)
        rows = np.load(DIGITS / "train.npz")
        image, label = rows["image"][:32], rows["label"][:32]
        np.savez("batch.npz", image=image, label=label)
        x = torch.from_numpy(image.reshape(32, 64).astype(np.float32))
        y = torch.from_numpy(label.astype(np.int64))
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            layers = [torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU(),
                      torch.nn.Linear(128, 10)]
            model = torch.nn.Sequential(*layers).to(dtype).to(torch.float32)
            safetensors.write("model.safetensors", state_dict(model, dtype), metadata={"format": "pt"})
            run("m.vplan", "predict", "--data", "batch.npz", "--init", "model.safetensors", *NAMES, "--output", "o.npz")
            np.testing.assert_allclose(np.load("o.npz")["logits"], model(x).detach().numpy(), rtol=1e-4, atol=1e-5)
            losses, optimizer = [], torch.optim.SGD(model.parameters(), LR)
            for _ in range(STEPS):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            run("m.vplan", "train", "--data", "batch.npz", "--steps", STEPS, "--init", "model.safetensors", *NAMES,
                "--log", "log.csv")
            ours = [float(row.split(",")[2]) for row in pathlib.Path("log.csv").read_text().splitlines()[1:]]
            np.testing.assert_allclose(ours, losses, rtol=1e-5, err_msg=str(dtype))
            os.remove("log.csv")


if __name__ == "__main__":
    main()
