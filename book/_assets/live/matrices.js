// Dense real matrices, {rows, columns, data} row by row: just what the figures compute.
"use strict";
globalThis.emt ??= {};

emt.matrices = (() => {
  const matrix = (rows, columns, data = new Float64Array(rows * columns)) => ({
    rows,
    columns,
    data,
  });

  /** The matrix whose entry in row i, column j is entry(i, j). */
  function from(rows, columns, entry) {
    const A = matrix(rows, columns);
    for (let i = 0, n = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) A.data[n++] = entry(i, j);
    }
    return A;
  }

  const identity = (n) => from(n, n, (i, j) => Number(i === j));
  const transposed = (A) => from(A.columns, A.rows, (i, j) => A.data[j * A.columns + i]);

  /** a A + b B, entry by entry. */
  const combined = (a, A, b, B) =>
    matrix(A.rows, A.columns, A.data.map((x, n) => a * x + b * B.data[n]));

  function times(A, B) {
    const C = matrix(A.rows, B.columns);
    for (let i = 0; i < A.rows; i++) {
      const row = C.data.subarray(i * B.columns, (i + 1) * B.columns);
      for (let k = 0; k < A.columns; k++) {
        const a = A.data[i * A.columns + k];
        if (a === 0) continue;
        const start = k * B.columns;
        for (let j = 0; j < row.length; j++) row[j] += a * B.data[start + j];
      }
    }
    return C;
  }

  /** A x, added to what `sum` holds. */
  function applied(A, x, sum = new Float64Array(A.rows)) {
    for (let i = 0, n = 0; i < A.rows; i++) {
      let total = 0;
      for (let j = 0; j < A.columns; j++) total += A.data[n++] * x[j];
      sum[i] += total;
    }
    return sum;
  }

  /** The columns of A that `kept` names, in its order. */
  const columns = (A, kept) => from(A.rows, kept.length, (i, j) => A.data[i * A.columns + kept[j]]);

  /** Matrices of equal height, side by side. */
  function beside(parts) {
    const wide = matrix(parts[0].rows, parts.reduce((n, A) => n + A.columns, 0));
    let left = 0;
    for (const A of parts) {
      for (let i = 0; i < A.rows; i++) {
        const row = A.data.subarray(i * A.columns, (i + 1) * A.columns);
        wide.data.set(row, i * wide.columns + left);
      }
      left += A.columns;
    }
    return wide;
  }

  /** The inverse, by elimination with row exchanges. */
  function inverse(A) {
    const n = A.rows;
    const M = matrix(n, n, A.data.slice());
    const row = (i) => M.data.subarray(i * n, (i + 1) * n);
    const order = Array.from({ length: n }, (_, i) => i);
    for (let k = 0; k < n; k++) {
      let pivot = k;
      for (let i = k + 1; i < n; i++) {
        if (Math.abs(M.data[i * n + k]) > Math.abs(M.data[pivot * n + k])) pivot = i;
      }
      const done = row(pivot).slice();
      const top = done[k];
      if (top === 0) throw new RangeError("the matrix has no inverse");
      row(pivot).set(row(k));
      [order[k], order[pivot]] = [order[pivot], order[k]];
      done[k] = 1;
      for (let j = 0; j < n; j++) done[j] /= top;
      row(k).set(done);
      for (let i = 0; i < n; i++) {
        const other = row(i);
        const part = other[k];
        if (i === k || part === 0) continue;
        other[k] = 0;
        for (let j = 0; j < n; j++) other[j] -= part * done[j];
      }
    }
    const B = matrix(n, n);
    for (let i = 0; i < n; i++) order.forEach((to, j) => B.data[i * n + to] = M.data[i * n + j]);
    return B;
  }

  /** The pseudoinverse of independent columns, by orthogonal columns made twice; yields between. */
  function* pseudoinverse(A) {
    let Q = A;
    let R = identity(A.columns);
    for (const _ of [1, 2]) {
      const [next, factor] = orthogonal(Q);
      [Q, R] = [next, times(factor, R)];
      yield;
    }
    return times(inverse(R), transposed(Q));
  }

  /** A = Q R, columns of Q orthonormal. */
  function orthogonal(A) {
    const Q = transposed(A);
    const R = matrix(A.columns, A.columns);
    const [n, data] = [A.rows, Q.data];
    for (let j = 0; j < A.columns; j++) {
      for (let i = 0; i <= j; i++) {
        let part = 0;
        for (let k = 0; k < n; k++) part += data[i * n + k] * data[j * n + k];
        if (i === j) part = Math.sqrt(part);
        R.data[i * R.columns + j] = part;
        for (let k = 0; k < n; k++) {
          if (i < j) data[j * n + k] -= part * data[i * n + k];
          else data[j * n + k] /= part;
        }
      }
    }
    return [transposed(Q), R];
  }

  /** The same eigenvalues, in a matrix that is 0 below the first subdiagonal. */
  function* hessenberg(A) {
    const n = A.rows;
    const H = matrix(n, n, A.data.slice());
    for (let k = 0; k < n - 2; k++) {
      const v = from(n - k - 1, 1, (i) => H.data[(k + 1 + i) * n + k]).data;
      reflect(H, v, k + 1, k, n);
      if (k % 8 === 0) yield;
    }
    return H;
  }

  /**
   * Turn a slice v of a column into a multiple of its first unit vector, by a reflection of the
   * rows from `first` and of the same columns; rows from `left`, columns down to `end`.
   */
  function reflect(H, v, first, left, end, top = 0, right = H.rows) {
    const n = H.columns;
    const size = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    if (size === 0) return;
    v[0] += v[0] < 0 ? -size : size;
    const scale = 2 / v.reduce((sum, x) => sum + x * x, 0);
    const parts = new Float64Array(right);
    for (let i = 0; i < v.length; i++) {
      for (let j = left; j < right; j++) parts[j] += v[i] * H.data[(first + i) * n + j];
    }
    for (let i = 0; i < v.length; i++) {
      for (let j = left; j < right; j++) H.data[(first + i) * n + j] -= scale * v[i] * parts[j];
    }
    for (let i = top; i < end; i++) {
      let part = 0;
      for (let j = 0; j < v.length; j++) part += H.data[i * n + first + j] * v[j];
      for (let j = 0; j < v.length; j++) H.data[i * n + first + j] -= scale * part * v[j];
    }
  }

  /** Eigenvalues as pairs [real, imaginary], largest modulus first. */
  const eigenvalues = (A) => atOnce(deflations(A));

  /** What a generator ends in, without its pauses. */
  function atOnce(work) {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
    }
  }

  /** The same, by QR steps with two shifts; yields whenever another one is found. */
  function* deflations(A) {
    const n = A.rows;
    const H = yield* hessenberg(A);
    const at = (i, j) => H.data[i * n + j];
    const found = [];
    for (let end = n - 1, tries = 0; end >= 0;) {
      let start = end;
      while (start > 0) {
        const near = Math.abs(at(start, start)) + Math.abs(at(start - 1, start - 1)) || 1;
        if (Math.abs(at(start, start - 1)) <= Number.EPSILON * near) break;
        start--;
      }
      if (tries % 4 === 0) yield;
      if (start === end) {
        found.push([at(end, end), 0]);
        [end, tries] = [end - 1, 0];
        continue;
      }
      let sum = at(end - 1, end - 1) + at(end, end);
      let product = at(end - 1, end - 1) * at(end, end) - at(end - 1, end) * at(end, end - 1);
      if (start === end - 1) {
        found.push(...roots(sum, product));
        [end, tries] = [end - 2, 0];
        continue;
      }
      if (++tries > 300) throw new RangeError("the eigenvalues do not settle");
      if (tries % 10 === 0) { // shifts from nowhere: a cyclic matrix would stand still for ever
        sum = 1.5 * (Math.abs(at(end, end - 1)) + Math.abs(at(end - 1, end - 2)));
        product = (sum / 1.5) ** 2;
      }
      const [a, b] = [at(start, start), at(start + 1, start + 1)];
      let v = [
        a * a + at(start, start + 1) * at(start + 1, start) - sum * a + product,
        at(start + 1, start) * (a + b - sum),
        at(start + 1, start) * at(start + 2, start + 1),
      ];
      for (let k = start; k < end; k++) {
        const bottom = Math.min(k + 4, end + 1);
        reflect(H, v, k, Math.max(k - 1, start), bottom, start, end + 1);
        v = [k + 1, k + 2, k + 3].filter((i) => i <= end).map((i) => at(i, k));
      }
    }
    return found.sort((x, y) => Math.hypot(...y) - Math.hypot(...x));
  }

  /** The two roots of x² - sum x + product. */
  function roots(sum, product) {
    const half = sum / 2;
    const square = half * half - product;
    if (square < 0) return [[half, Math.sqrt(-square)], [half, -Math.sqrt(-square)]];
    const far = half + (half < 0 ? -1 : 1) * Math.sqrt(square);
    return [[far, 0], [far === 0 ? 0 : product / far, 0]];
  }

  /**
   * The projector on the n modes of W that live longest, along all the others, or null where
   * nothing parts them: the sign of (W - r)(W + r)^-1, by Newton. Yields between its steps.
   */
  function* longLived(W, n) {
    const moduli = (yield* deflations(W)).map((pair) => Math.hypot(...pair));
    const next = moduli[n] ?? 0;
    if (next > 0.99 * moduli[n - 1]) return null;
    if (n === W.rows) return identity(n);
    const radius = Math.sqrt(moduli[n - 1] * Math.max(next, moduli[n - 1] / 100));
    const [one, A] = [identity(W.rows), matrix(W.rows, W.rows, W.data.map((x) => x / radius))];
    let X = times(combined(1, A, -1, one), inverse(combined(1, A, 1, one)));
    for (let change = 1; change > 1e-12;) {
      yield;
      const better = combined(0.5, X, 0.5, inverse(X));
      change = Math.hypot(...combined(1, better, -1, X).data) / Math.hypot(...better.data);
      X = better;
    }
    yield;
    const P = combined(0.5, one, 0.5, X);
    const PP = times(P, P); // once more, to the last digits: P²(3 - 2P)
    yield;
    return combined(3, PP, -2, times(PP, P));
  }

  return {
    applied,
    atOnce,
    beside,
    columns,
    combined,
    eigenvalues,
    from,
    identity,
    inverse,
    longLived,
    matrix,
    pseudoinverse,
    times,
    transposed,
  };
})();
