/**
 * The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`, to about 1e-15.
 * Near zero by the series of positive terms DLMF 7.6.2, further out as 1 - erfc by the continued fraction DLMF 7.9.1 (https://dlmf.nist.gov/7).
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  // Past 6, erfc is below half a unit in the last place of 1.
  if (z > 6) return Math.sign(x);
  return Math.sign(x) * (z < 2 ? series(z) : 1 - continuedFraction(z));
}

function series(z: number): number {
  let sum = 0;
  let term = z;
  for (let n = 1; sum + term !== sum; n++) {
    sum += term;
    term *= (2 * z * z) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
}

/** erfc(z) for z >= 2, where 150 levels are more than doubles can tell apart. */
function continuedFraction(z: number): number {
  let fraction = z;
  for (let level = 150; level >= 1; level--) fraction = z + level / 2 / fraction;
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction;
}
