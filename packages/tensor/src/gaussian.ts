/**
 * The standard normal distribution function. Source: Marsaglia, Evaluating the normal distribution, Journal of Statistical Software 11(4), 2004: a Taylor
 * series about 0, and in the tails, where its digits cancel, the continued fraction of Mills' ratio.
 */
export function normalCdf(x: number): number {
  if (x < -3) return density(x) * millsRatio(-x);
  if (x > 3) return 1 - density(x) * millsRatio(x);
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + density(x) * sum;
}

function density(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** What lies above `x` in units of the density there: 1 / (x + 1 / (x + 2 / (x + 3 / ...))). */
function millsRatio(x: number): number {
  let fraction = x;
  for (let n = 50; n > 0; n--) fraction = x + n / fraction;
  return 1 / fraction;
}

/** Inverse of the standard normal distribution function by Acklam's rational approximation; relative error below 1.15e-9. */
export function normalQuantile(p: number): number {
  if (p < 0.02425) return tailQuantile(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return -tailQuantile(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  return (q * polynomial(centreNumerator, q * q)) / polynomial(centreDenominator, q * q);
}

function tailQuantile(q: number): number {
  return polynomial(tailNumerator, q) / polynomial(tailDenominator, q);
}

/** Horner's scheme; the coefficient of the highest power comes first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (let i = 0; i < coefficients.length; i++) value = value * x + coefficients[i]!;
  return value;
}

const centreNumerator = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const centreDenominator = [
  -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
];
const tailNumerator = [
  -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const tailDenominator = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
