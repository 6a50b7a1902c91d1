//===- classifier.c - Kernels of a linear classifier
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels of a linear classifier with squared error, momentum and, if asked
// for, a loss scaler: what vernier-make-test-plan builds its plans from. One
// range does all (the grid is 1); N rows, D features, C classes are the first
// input.
#include <stdint.h>

struct sizes {
  int32_t n, d, c;
};

static float square_root(float x) { return __builtin_sqrtf(x); }

// sizes, image (N, D), w (C, D), b (C) -> logits (N, C)
void forward(void *const *args, int64_t begin, int64_t end) {
  const struct sizes *s = args[0];
  const float *image = args[1], *w = args[2], *b = args[3];
  float *logits = args[4];
  for (int i = 0; i < s->n; ++i)
    for (int c = 0; c < s->c; ++c) {
      float sum = b[c];
      for (int d = 0; d < s->d; ++d)
        sum += image[i * s->d + d] * w[c * s->d + d];
      logits[i * s->c + c] = sum;
    }
}

// sizes, logits (N, C), label (N) -> loss, mean of (logit - [c = label])^2
void loss(void *const *args, int64_t begin, int64_t end) {
  const struct sizes *s = args[0];
  const float *logits = args[1];
  const int32_t *label = args[2];
  float *loss = args[3], sum = 0;
  for (int i = 0; i < s->n; ++i)
    for (int c = 0; c < s->c; ++c) {
      float error = logits[i * s->c + c] - (c == label[i] ? 1.0f : 0.0f);
      sum += error * error;
    }
  *loss = sum / (float)(s->n * s->c);
}

// sizes, image, logits, label, scale -> dw (C, D), db (C), all of them scaled;
// they overflow where a float16 would
void backward(void *const *args, int64_t begin, int64_t end) {
  const struct sizes *s = args[0];
  const float *image = args[1], *logits = args[2], *scale = args[4];
  const int32_t *label = args[3];
  float *dw = args[5], *db = args[6];
  float factor = *scale * 2.0f / (float)(s->n * s->c);
  for (int c = 0; c < s->c; ++c)
    for (int d = 0; d <= s->d; ++d) {
      float sum = 0;
      for (int i = 0; i < s->n; ++i) {
        float error = logits[i * s->c + c] - (c == label[i] ? 1.0f : 0.0f);
        sum += error * (d < s->d ? image[i * s->d + d] : 1.0f);
      }
      float value = sum * factor;
      if (*scale > 1.0f && (value > 65504.0f || value < -65504.0f))
        value = __builtin_inff();
      *(d < s->d ? dw + c * s->d + d : db + c) = value;
    }
}

// sizes, dw, db, w, b, m, steps, scale, tracker, skipped
//   -> w, b, m, steps, scale, tracker, skipped, learning_rate, grad_norm,
//      loss_scale, all_finite
void update(void *const *args, int64_t begin, int64_t end) {
  const struct sizes *s = args[0];
  const float *dw = args[1], *db = args[2];
  float *w = args[10], *b = args[11], *m = args[12], *scale = args[14];
  int32_t *steps = args[13], *tracker = args[15], *skipped = args[16];
  float *rate = args[17], *norm = args[18], *used = args[19];
  uint8_t *finite = args[20];
  float sum = 0;
  for (int i = 0; i < s->c * s->d; ++i)
    sum += (dw[i] / *scale) * (dw[i] / *scale);
  *used = *scale;
  *rate = 0.1f;
  *norm = square_root(sum);
  *finite = sum - sum == 0.0f;
  // Without a scaler (scale 1) nothing is gated.
  if (*scale != 1.0f && !*finite) {
    *scale *= 0.5f;
    *tracker = 0;
    *skipped += 1;
    return;
  }
  for (int i = 0; i < s->c * s->d; ++i) {
    m[i] = 0.9f * m[i] + dw[i] / *scale;
    w[i] -= *rate * m[i];
  }
  for (int c = 0; c < s->c; ++c)
    b[c] -= *rate * db[c] / *scale;
  *steps += 1;
  *tracker += 1;
}
