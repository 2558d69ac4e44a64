import { Rng, matmul, withBackend } from '@receptive/tensor';

/** What the page was asked for, as `?name=value`. */
export const asked = new URLSearchParams(globalThis.location.search);

/** A product that is worth sharing. */
export const product = async (/** @type {import('@receptive/backend').Backend} */ backend) =>
  withBackend(backend, () => {
    const rng = new Rng(1);
    return matmul(rng.normal([256, 256]), rng.normal([256, 256]));
  }).data();

/** Whether two results are the same bits. */
export const same = (/** @type {ArrayLike<number>} */ a, /** @type {ArrayLike<number>} */ b) =>
  a.length === b.length && Array.prototype.every.call(a, (element, i) => Object.is(element, b[i]));

/** The words by which the threads of the latest pool agree: threads are told of them in their first message, which goes by here. @type {Int32Array} */
let control;

/** What else threads are told. @type {object} */
let besides = {};

globalThis.Worker = class extends Worker {
  /** @override */
  postMessage(/** @type {{ control: Int32Array }} */ job) {
    ({ control } = job);
    super.postMessage({ ...job, ...besides });
  }
};

export function tell(/** @type {object} */ more) {
  besides = more;
}

/** Computes products until the other thread has computed a part of one; says whether it ever has. */
export async function isShared(/** @type {import('@receptive/backend').Backend} */ backend) {
  const word = Number(asked.get('word'));
  control[word] = 0;
  for (let i = 0; i < 1000 && control[word] === 0; i++) await product(backend);
  return control[word] !== 0;
}

/** Gives the test, or the page whose worker this is, what has come of it. */
export function conclude(/** @type {Promise<object>} */ outcome) {
  const settled = outcome.catch((error) => ({ error: String(error) }));
  Object.assign(globalThis, { outcome: settled });
  void settled.then((what) => postMessage(what));
}
