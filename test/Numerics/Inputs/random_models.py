#===- random_models.py - Whole models made at random
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Models with @loss and @predict, as text: the ops of random_graphs.py, and what
networks are built of beside them: convolutions, pools, embeddings, dropout, every
norm, norms and attention written by hand, residuals, shared blocks, several losses
in one value. Every value is kept of the order of 1, so that a model that computes
nonsense in 16 bits differs from the same model in f32."""

import numpy as np

from Numerics.Inputs.random_graphs import BINARY, UNARY, Graph, Value, t

ROWS = [1, 2, 3, 4, 7, 8, 16, 17]
EXTENTS = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 24, 31, 32, 33]
CLASSES = [2, 3, 8, 10]
MOST_ELEMENTS = 6_000
# A value that may be larger goes through a bounded op before another reads it.
LARGEST = 30.0

POLICIES = ["f32", "bf16", "f16", "tf32", "vernier", "torch-cuda", "torch-cpu", "tf-bf16", "tf-fp16",
            "keras-mixed-bfloat16", "keras-mixed-float16"]
OPTIMIZERS = ["sgd,lr=0.01", "sgd,lr=0.01,momentum=0.9,nesterov", "adam,lr=1e-3", "adamw,lr=1e-3,clip_norm=1",
              "adamw,lr=1e-3,weight_decay=0.1,ema_decay=0.9", "sgd,lr=0.01,momentum=0.9,clip_norm=0.5"]


class Model(Graph):
    """@net, the private function of most ops, and the entries that call it."""

    def __init__(self, seed):
        self.rng = np.random.default_rng([seed, 11])
        self.lines, self.values, self.inputs = [], [], []
        self.globals, self.indices, self.blocks, self.magnitudes = [], {}, [], {}
        self.trained = set()  # Values that depend on a parameter.
        self.dropouts, self.count = 0, 0
        self.rows = self.choose(ROWS)
        self.make_inputs()
        kinds = [self.unary, self.binary, self.select, self.broadcast, self.reduce, self.transpose, self.reshape,
                 self.concat, self.slice, self.pad, self.softmax, self.layer_norm, self.matmul, self.linear,
                 self.residual, self.residual, self.image, self.conv, self.conv, self.pool, self.batch_norm,
                 self.group_norm, self.rms_norm, self.dropout, self.hand_norm, self.attention, self.smooth,
                 self.shared_block, self.constant_scale, self.outer]
        ops = int(self.rng.integers(4, 22))
        for _ in range(200):
            if len(self.values) >= ops + len(self.inputs):
                break
            kinds[self.rng.integers(len(kinds))]()
        self.choose_results()

    # ---- pieces ----

    def choose(self, options):
        return options[int(self.rng.integers(len(options)))]

    def extent(self):
        return self.choose(EXTENTS)

    def fits(self, shape):
        return np.prod(shape) <= MOST_ELEMENTS

    def name(self, prefix="%v"):
        self.count += 1
        return f"{prefix}{self.count}"

    def make_inputs(self):
        """Floats of some rank, often an image, and tokens of an embedding."""
        shapes = [(self.rows, *(self.extent() for _ in range(int(self.rng.integers(0, 3)))))]
        if self.rng.random() < 0.5:
            side = self.choose([4, 5, 6, 8])
            shapes.append((min(self.rows, 8), side, self.choose([side, 7]), self.choose([1, 3, 4, 8, 16])))
        for number, shape in enumerate(shapes):
            if self.fits(shape):
                value = Value(f"%x{number}", shape, None)
                self.inputs.append(value)
                self.magnitudes[value.name] = 1.0
        self.values += self.inputs
        if self.rng.random() < 0.4 or not self.values:
            self.embedding()

    def add(self, text, shape, function=None, magnitude=None):
        """A value of the model. What may be large is bounded at once."""
        value = Value(self.name(), tuple(map(int, shape)), None)
        self.lines.append(f"{value.name} = {text}")
        words = text.replace(",", " ").replace("(", " ").replace(")", " ").replace("[", " ").split()
        if self.trained.intersection(words) or "@block" in text:
            self.trained.add(value.name)
        if magnitude is None:
            magnitude = max([self.magnitudes[word] for word in words if word in self.magnitudes], default=1.0)
            if words[0] in ("arith.addf", "arith.subf", "train.linear", "train.matmul"):
                magnitude *= 2
            elif words[0] == "arith.mulf":
                magnitude *= magnitude
            elif words[:2] == ["train.reduce", "sum"]:
                magnitude *= 20
            elif words[0].startswith(("train.softmax", "math.tanh", "math.sin", "math.erf", "train.sigmoid")):
                magnitude = 1.0
        self.magnitudes[value.name] = magnitude
        if magnitude > LARGEST:
            return self.add(f"math.tanh {value.name} : {t(value.shape)}", value.shape, magnitude=1.0)
        self.values.append(value)
        return value

    def state(self, shape, initial, role, element="f32"):
        name = f"{role[0]}{len(self.globals)}"
        kind = t(shape, element)
        self.globals.append(f'  ml_program.global private mutable @{name}({initial.replace("TYPE", kind)}) : {kind} '
                            f'{{train.role = "{role}"}}')
        return name

    def load(self, name, shape, element="f32", magnitude=1.0):
        value = Value(self.name("%p"), tuple(shape), None)
        self.lines.append(f"{value.name} = ml_program.global_load @{name} : {t(shape, element)}")
        self.magnitudes[value.name] = magnitude
        return value

    def parameter(self, shape, scale=1.0):
        value = self.load(self.state(shape, f"#train.normal<0.0, {scale:.4f}>", "parameter"), shape)
        self.trained.add(value.name)
        return value

    def ones(self, shape):
        value = self.load(self.state(shape, "#train.constant<1.0>", "parameter"), shape)
        self.trained.add(value.name)
        return value

    def constant(self, number, shape):
        name = self.name("%c")
        self.lines.append(f"{name} = arith.constant dense<{number!r}> : {t(shape)}")
        return name

    def scalar_broadcast(self, x, dims, shape):
        return self.add(f"train.broadcast {x.name} dims = {list(dims)} : {t(x.shape)} -> {t(shape)}", shape)

    # ---- layers ----

    def embedding(self):
        rows, width = self.choose([3, 10, 32]), self.choose([4, 8, 16, 17])
        shape = (self.rows, self.choose([1, 3, 5])) if self.rng.random() < 0.7 else (self.rows,)
        name = f"tokens{len(self.indices)}"
        self.indices[name] = (shape, rows)
        table = self.parameter((rows, width))
        self.add(f"train.gather {table.name}, %{name} : ({t(table.shape)}, {t(shape, 'i32')}) -> {t((*shape, width))}",
                 (*shape, width))

    def image(self):
        """Any value as rows of pixels, so that convolutions have something to read."""
        x = self.pick(1)
        if len(x.shape) == 4:
            return
        size = int(np.prod(x.shape[1:])) if len(x.shape) > 1 else 1
        side = max(s for s in (1, 2, 3, 4, 5) if size % s == 0)
        shape = (x.shape[0], side, 1, size // side) if self.rng.random() < 0.5 else (x.shape[0], 1, size // side, side)
        groups = [[0], list(range(1, len(x.shape)))] if len(x.shape) > 1 else None
        flat = x
        if len(x.shape) > 2:
            flat = self.add(f"tensor.collapse_shape {x.name} {groups} : {t(x.shape)} into {t((x.shape[0], size))}",
                            (x.shape[0], size))
        spread = [[0], [1, 2, 3]] if len(flat.shape) == 2 else [[0, 1, 2, 3]]
        self.add(f"tensor.expand_shape {flat.name} {spread} output_shape {list(shape)} : {t(flat.shape)} into {t(shape)}",
                 shape)

    def conv(self, x=None, channels=None, same=False):
        images = [value for value in self.values if len(value.shape) == 4]
        if x is None and not images:
            return None
        x = x or self.choose(images[-3:])
        n, h, w, c = x.shape
        kernel = [self.choose([1, 3]), self.choose([1, 3])] if self.rng.random() < 0.8 else [2, 2]
        strides = [self.choose([1, 1, 2]), self.choose([1, 1, 2])]
        dilation = [self.choose([1, 1, 1, 2])] * 2
        groups = self.choose([1, 1, 1, c] + [g for g in (2, 4) if c % g == 0])
        padding = [self.choose([0, 1]) for _ in range(4)]
        if same:
            kernel, strides, dilation, padding = [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]
            if self.rng.random() < 0.3:
                kernel, padding = [1, 1], [0, 0, 0, 0]
        out = channels or groups * self.choose([1, 2, 3, 4, 8])
        if out % groups:
            groups = 1
        extents = [(size + padding[i] + padding[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // strides[i] + 1
                   for i, size in enumerate((h, w))]
        shape = (n, *extents, out)
        if min(extents) < 1 or not self.fits(shape):
            return None
        weight = self.parameter((out, *kernel, c // groups), (kernel[0] * kernel[1] * c // groups) ** -0.5)
        return self.add(f"train.conv2d {x.name}, {weight.name} strides = {strides} padding = {padding} dilation = {dilation} "
                        f"groups = {groups} : ({t(x.shape)}, {t(weight.shape)}) -> {t(shape)}", shape,
                        magnitude=2 * self.magnitudes[x.name])

    def pool(self):
        images = [value for value in self.values if len(value.shape) == 4]
        if not images:
            return
        x, kind = self.choose(images), self.choose(["max", "average"])
        n, h, w, c = x.shape
        if self.rng.random() < 0.3:
            shape = (n, int(self.rng.integers(1, h + 1)), int(self.rng.integers(1, w + 1)), c)
            how = "adaptive"
        else:
            window = [int(self.rng.integers(1, min(3, size) + 1)) for size in (h, w)]
            strides = [self.choose([1, 2]) for _ in range(2)]
            padding = [int(self.rng.integers(0, min(2, size))) for size in (*window, *window)]
            extents = [(size + padding[i] + padding[i + 2] - window[i]) // strides[i] + 1 for i, size in enumerate((h, w))]
            shape = (n, *extents, c)
            how = f"window = {window} strides = {strides} padding = {padding}"
        self.add(f"train.pool2d {kind} {x.name} {how} : {t(x.shape)} -> {t(shape)}", shape)

    def batch_norm(self, x=None):
        x = x or self.pick(2)
        c = x.shape[-1:]
        if np.prod(x.shape[:-1]) < 2:
            return None
        scale, bias = self.ones(c), self.parameter(c, 0.1)
        names = [self.state(c, f"#train.constant<{number}.0>", "statistic") for number in (0, 1)]
        mean, var = (self.load(name, c) for name in names)
        result = Value(self.name(), x.shape, None)
        types = ", ".join([t(x.shape)] + 4 * [t(c)])
        self.lines.append(f"{result.name}, {result.name}m, {result.name}v = train.batch_norm {x.name}, {scale.name}, "
                          f"{bias.name}, {mean.name}, {var.name} {{epsilon = 1.0e-2 : f64}} : ({types}) -> "
                          f"({t(x.shape)}, {t(c)}, {t(c)})")
        self.lines += [f"ml_program.global_store @{name} = {result.name}{suffix} : {t(c)}"
                       for name, suffix in zip(names, "mv")]
        self.magnitudes[result.name] = 3.0
        self.trained.add(result.name)
        self.values.append(result)
        return result

    def group_norm(self):
        x = self.pick(2)
        c = x.shape[-1]
        groups = self.choose([g for g in (1, 2, 4, c) if c % g == 0])
        if np.prod(x.shape[1:]) // groups < 2:
            return
        scale, bias = self.ones((c,)), self.parameter((c,), 0.1)
        self.add(f"train.group_norm {x.name}, {scale.name}, {bias.name} {{groups = {groups} : i64, epsilon = 1.0e-2 : f64}} : "
                 f"({t(x.shape)}, {t((c,))}, {t((c,))}) -> {t(x.shape)}", x.shape, magnitude=3.0)

    def rms_norm(self):
        x = self.pick(1)
        scale = self.ones(x.shape[-1:])
        self.add(f"train.rms_norm {x.name}, {scale.name} {{epsilon = 1.0e-2 : f64}} : ({t(x.shape)}, {t(scale.shape)}) -> "
                 f"{t(x.shape)}", x.shape, magnitude=3.0)

    def dropout(self):
        x = self.pick(1)
        name = self.state((), "dense<0> : TYPE", "counter", "i32")
        step = self.load(name, (), "i32")
        self.dropouts += 1
        self.lines += [f"%one{self.dropouts} = arith.constant dense<1> : tensor<i32>",
                       f"%next{self.dropouts} = arith.addi {step.name}, %one{self.dropouts} : tensor<i32>",
                       f"ml_program.global_store @{name} = %next{self.dropouts} : tensor<i32>"]
        rate = self.choose([0.0, 0.1, 0.5])
        self.add(f"train.dropout {x.name} step {step.name} {{rate = {rate} : f64, seed = {self.dropouts} : i32}} : "
                 f"({t(x.shape)}, tensor<i32>) -> {t(x.shape)}", x.shape, magnitude=2 * self.magnitudes[x.name])

    def hand_norm(self):
        """A norm over any dims, often a middle one, written out."""
        x = self.pick(1)
        count = int(self.rng.integers(1, len(x.shape) + 1))
        dims = sorted(int(dim) for dim in self.rng.choice(len(x.shape), count, replace=False))
        kept = [dim for dim in range(len(x.shape)) if dim not in dims]
        small = [x.shape[dim] for dim in kept]
        centred = x
        if self.rng.random() < 0.5:
            mean = self.add(f"train.reduce mean {x.name} dims = {dims} : {t(x.shape)} -> {t(small)}", small)
            wide = self.scalar_broadcast(mean, kept, x.shape)
            centred = self.add(f"arith.subf {x.name}, {wide.name} : {t(x.shape)}", x.shape)
        square = self.add(f"arith.mulf {centred.name}, {centred.name} : {t(x.shape)}", x.shape)
        mean = self.add(f"train.reduce mean {square.name} dims = {dims} : {t(x.shape)} -> {t(small)}", small)
        shifted = self.add(f"arith.addf {mean.name}, {self.constant(0.01, small)} : {t(small)}", small)
        if self.rng.random() < 0.5:
            factor = self.add(f"math.rsqrt {shifted.name} : {t(small)}", small, magnitude=10.0)
            wide = self.scalar_broadcast(factor, kept, x.shape)
            self.add(f"arith.mulf {centred.name}, {wide.name} : {t(x.shape)}", x.shape, magnitude=4.0)
        else:
            root = self.add(f"math.sqrt {shifted.name} : {t(small)}", small)
            wide = self.scalar_broadcast(root, kept, x.shape)
            self.add(f"arith.divf {centred.name}, {wide.name} : {t(x.shape)}", x.shape, magnitude=4.0)

    def attention(self):
        """softmax(q k^T / sqrt(d)) v of one value's rows, or of two values."""
        x = self.pick(2)
        d = x.shape[-1]
        scores = (*x.shape[:-1], x.shape[-2])
        if not self.fits(scores):
            return
        q, k = x, x
        if self.rng.random() < 0.7:
            q, k = self.linear_of(x, d), self.linear_of(x, d)
        product = self.add(f"train.matmul {q.name}, {k.name} {{transpose_rhs}} : ({t(q.shape)}, {t(k.shape)}) -> {t(scores)}",
                           scores, magnitude=4.0)
        scaled = self.add(f"arith.mulf {product.name}, {self.constant(round(d ** -0.5, 4), scores)} : {t(scores)}", scores,
                          magnitude=4.0)
        weights = self.add(f"train.softmax {scaled.name} : ({t(scores)}) -> {t(scores)}", scores)
        self.add(f"train.matmul {weights.name}, {x.name} : ({t(scores)}, {t(x.shape)}) -> {t(x.shape)}", x.shape,
                 magnitude=2 * self.magnitudes[x.name])

    def linear_of(self, x, n):
        weight = self.parameter((n, x.shape[-1]), x.shape[-1] ** -0.5)
        shape = (*x.shape[:-1], n)
        return self.add(f"train.linear {x.name}, {weight.name} : ({t(x.shape)}, {t(weight.shape)}) -> {t(shape)}", shape)

    def outer(self):
        """Rows times columns of one value: a product over the batch."""
        x = self.pick(2)
        shape = (*x.shape[:-2], x.shape[-1], x.shape[-1])
        if not self.fits(shape):
            return
        product = self.add(f"train.matmul {x.name}, {x.name} {{transpose_lhs}} : ({t(x.shape)}, {t(x.shape)}) -> {t(shape)}",
                           shape, magnitude=4.0)
        self.add(f"arith.mulf {product.name}, {self.constant(round(1 / x.shape[-2], 4), shape)} : {t(shape)}", shape,
                 magnitude=4.0)

    def smooth(self):
        """Formulas whose parts are 1 + x^2, so that no log, root or quotient leaves its domain."""
        x = self.pick()
        kind = t(x.shape)
        square = self.add(f"arith.mulf {x.name}, {x.name} : {kind}", x.shape)
        shifted = self.add(f"arith.addf {square.name}, {self.constant(1.0, x.shape)} : {kind}", x.shape)
        op = self.choose(["math.log", "math.sqrt", "math.rsqrt", "divf", "exp", "math.log1p"])
        if op == "divf":
            self.add(f"arith.divf {x.name}, {shifted.name} : {kind}", x.shape, magnitude=1.0)
        elif op == "exp":
            negative = self.add(f"arith.negf {square.name} : {kind}", x.shape)
            self.add(f"math.exp {negative.name} : {kind}", x.shape, magnitude=1.0)
        else:
            self.add(f"{op} {shifted.name} : {kind}", x.shape)

    def constant_scale(self):
        x, op = self.pick(), self.choose(["arith.mulf", "arith.addf", "arith.maximumf", "arith.minimumf", "arith.maxnumf",
                                          "arith.minnumf", "arith.divf"])
        number = self.choose([0.5, 2.0, 0.25, 1.5])
        self.add(f"{op} {x.name}, {self.constant(number, x.shape)} : {t(x.shape)}", x.shape,
                 magnitude=2 + 2 * self.magnitudes[x.name])

    def residual(self):
        """x + f(x) with f of one to three layers that keep the shape."""
        x = self.pick(1)
        y = x
        for _ in range(int(self.rng.integers(1, 4))):
            if len(x.shape) == 4 and self.rng.random() < 0.6:
                y = self.conv(y, x.shape[-1], same=True) or y
            elif len(x.shape) >= 2 and self.rng.random() < 0.5:
                y = self.linear_of(y, x.shape[-1])
            elif len(x.shape) >= 2 and self.rng.random() < 0.3:
                y = self.batch_norm(y) or y
            op = self.choose(list(UNARY))
            y = self.add(f"{op} {y.name} : {t(x.shape)}", x.shape)
        self.add(f"arith.addf {x.name}, {y.name} : {t(x.shape)}", x.shape)

    def shared_block(self):
        """One function, called twice: its weights have two uses."""
        x = self.pick(2)
        name, kind, c = f"block{len(self.blocks)}", t(x.shape), x.shape[-1]
        weight = self.state((c, c), "#train.xavier<uniform = true>", "parameter")
        op = self.choose(list(UNARY))
        self.blocks.append(f"""  func.func private @{name}(%a: {kind}) -> {kind} {{
    %w = ml_program.global_load @{weight} : {t((c, c))}
    %b = train.linear %a, %w : ({kind}, {t((c, c))}) -> {kind}
    %c = {op} %b : {kind}
    return %c : {kind}
  }}""")
        for _ in range(2):
            x = self.add(f"func.call @{name}({x.name}) : ({kind}) -> {kind}", x.shape,
                         magnitude=2 * self.magnitudes[x.name])

    # ---- the whole ----

    def choose_results(self):
        """Of the late values some, often a value that others of them read."""
        late = [value for value in self.values if value not in self.inputs][-6:] or self.values
        order = [int(i) for i in self.rng.permutation(len(late))]
        self.results = [late[i] for i in order[:int(self.rng.integers(1, 5))]]
        if not any(value.name in self.trained for value in self.results):
            x = self.results[0]
            self.results[0] = self.add(f"arith.mulf {x.name}, {self.parameter(x.shape).name} : {t(x.shape)}", x.shape)
        self.labels, self.loss_lines, terms = {}, [], []
        for number, value in enumerate(self.results):
            terms.append(self.make_loss(number, value))
        total = terms[0]
        for number, term in enumerate(terms[1:]):
            self.loss_lines.append(f"%total{number} = arith.addf {total}, {term} : tensor<f32>")
            total = f"%total{number}"
        self.total = total

    def make_loss(self, number, value):
        kind, loss, rank = t(value.shape), f"%loss{number}", len(value.shape)
        choice = self.choose(["mse", "cross_entropy", "bce", "hand", "abs"])
        if choice == "cross_entropy" and rank == 2 and value.shape[1] > 1:
            name = f"label{number}"
            self.labels[name] = ("i32", value.shape[:1], value.shape[1])
            smoothing = self.choose(["", " {label_smoothing = 0.1 : f64}", " {reduction = #train<reduction sum>}"])
            self.loss_lines.append(f"{loss} = train.cross_entropy %r{number}, %{name}{smoothing} : "
                                   f"({kind}, {t(value.shape[:1], 'i32')}) -> tensor<f32>")
        elif choice in ("mse", "bce"):
            name, op = f"target{number}", {"mse": "mse_loss", "bce": "bce_with_logits_loss"}[choice]
            self.labels[name] = ("f32", value.shape, 1)
            self.loss_lines.append(f"{loss} = train.{op} %r{number}, %{name} : ({kind}, {kind}) -> tensor<f32>")
        else:
            first = "math.absf %r" if choice == "abs" else "arith.mulf %r"
            second = "" if choice == "abs" else f", %r{number}"
            self.loss_lines.append(f"%q{number} = {first}{number}{second} : {kind}")
            if not rank:
                return f"%q{number}"
            self.loss_lines.append(f"{loss} = train.reduce mean %q{number} dims = {list(range(rank))} : {kind} -> tensor<f32>")
        if self.rng.random() < 0.3:
            self.loss_lines += [f"%weight{number} = arith.constant dense<0.5> : tensor<f32>",
                                f"%weighted{number} = arith.mulf {loss}, %weight{number} : tensor<f32>"]
            return f"%weighted{number}"
        return loss

    def text(self):
        named = lambda name, kind: f'%{name}: {kind} {{train.name = "{name}"}}'
        data = [(x.name[1:], t(x.shape)) for x in self.inputs]
        data += [(name, t(shape, "i32")) for name, (shape, _) in self.indices.items()]
        labels = [(name, t(shape, element)) for name, (element, shape, _) in self.labels.items()]
        plain = ", ".join(f"%{name}: {kind}" for name, kind in data)
        kinds = [t(value.shape) for value in self.results]
        names = ", ".join(f"%r{i}" for i in range(len(kinds)))
        outputs = ", ".join(f'{kind} {{train.name = "y{i}"}}' for i, kind in enumerate(kinds))
        call = f"    {names} = func.call @net({', '.join('%' + name for name, _ in data)}) : " \
               f"({', '.join(kind for _, kind in data)}) -> ({', '.join(kinds)})"
        if len(kinds) > 1:
            call = call.replace(names, f"%r:{len(kinds)}", 1)
        lines = [*self.globals, *self.blocks, f"  func.func private @net({plain}) -> ({', '.join(kinds)}) {{",
                 *("    " + line for line in self.lines),
                 f"    return {', '.join(value.name for value in self.results)} : {', '.join(kinds)}", "  }"]
        for entry in ("loss", "predict"):
            arguments = ", ".join(named(*pair) for pair in data + (labels if entry == "loss" else []))
            first = '(tensor<f32> {train.name = "loss"}, ' if entry == "loss" else "("
            lines.append(f"  func.func @{entry}({arguments}) -> {first}{outputs}) {{")
            body = [call] + (["    " + line for line in self.loss_lines] if entry == "loss" else [])
            returned = f"{self.total}, {names} : tensor<f32>, " if entry == "loss" else f"{names} : "
            body.append(f"    return {returned}{', '.join(kinds)}")
            text = "\n".join(body)
            if len(kinds) > 1:
                for i in range(len(kinds)):
                    text = text.replace(f"%r{i}", f"%r#{i}")
            lines += [text, "  }"]
        return "module {\n" + "\n".join(lines) + "\n}\n"

    def data(self):
        """Data and labels by name."""
        rng = np.random.default_rng([len(self.lines), 12])
        arrays = {x.name[1:]: rng.standard_normal(x.shape, np.float32) for x in self.inputs}
        for name, (shape, rows) in self.indices.items():
            arrays[name] = rng.integers(rows, size=shape, dtype=np.int32)
        for name, (element, shape, classes) in self.labels.items():
            arrays[name] = (rng.integers(classes, size=shape, dtype=np.int32) if element == "i32"
                            else rng.random(shape, np.float32))
        return arrays
