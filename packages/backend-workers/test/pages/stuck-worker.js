// Goes before the script of the threads: kernels do not end while the page says so, and go on writing.
/** @type {Int32Array} */
let stuck;
addEventListener('message', ({ data }) => ({ stuck } = data), { once: true });

const { Instance } = WebAssembly;
WebAssembly.Instance = /** @type {never} */ (
  class {
    /** @type {object} */
    exports;

    constructor(/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) {
      const exports = Object.entries(new Instance(module, imports).exports);
      this.exports = Object.fromEntries(
        exports.map(([name, kernel]) => {
          if (typeof kernel !== 'function') return [name, kernel];
          const unending = (/** @type {unknown[]} */ ...args) => {
            while (Atomics.load(stuck, 0) === 1) Atomics.add(stuck, 1, 1);
            return kernel(...args);
          };
          return [name, unending];
        }),
      );
    }
  }
);
