// Goes before the text of the script of a thread, whose kernels then do what the words of a test say. Plain JavaScript: it runs as it is.
{
  /** The words, and their numbers: see support.ts. @type {Int32Array} */
  let words;
  const [TROUBLE, TAKEN, GO, DONE, CHUNKS, DELAY, SLOW, HESITATION] = [0, 1, 2, 3, 4, 5, 6, 7];
  // The script gets its job by a message; so do these lines, a moment before.
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  parentPort?.once('message', (job) => (words = job.words));

  /** @type {((compute: () => void) => void)[]} */
  const troubles = [
    (compute) => compute(),
    // loop
    () => {
      for (;;);
    },
    // exit
    () => process.exit(),
    // fail
    () => {
      throw new Error('trouble');
    },
    // late
    (compute) => {
      Atomics.wait(words, GO, 0);
      compute();
      Atomics.store(words, DONE, 1);
      Atomics.notify(words, DONE);
      for (;;);
    },
    // failLate
    () => {
      Atomics.wait(words, GO, 0);
      Atomics.store(words, DONE, 1);
      Atomics.notify(words, DONE);
      throw new Error('trouble');
    },
    // slow
    (compute) => {
      // Of a time in which the process is stopped, one of many waits passes.
      for (let left = words[SLOW] ?? 0; left > 0; left--) Atomics.wait(words, GO, 0, 10);
      compute();
    },
  ];

  /** @param {number} number */
  const wait = (number) => {
    const until = performance.now() + (Math.random() * (words[number] ?? 0)) / 1000;
    while (performance.now() < until);
  };

  // Between two looks of a thread at the turn.
  const { store } = Atomics;
  Atomics.store = /** @type {typeof store} */ (
    (/** @type {Int32Array} */ control, /** @type {number} */ index, /** @type {number} */ value) => {
      if (words[HESITATION] !== 0) wait(HESITATION);
      return store(control, index, value);
    }
  );

  const { Instance } = WebAssembly;
  WebAssembly.Instance = /** @type {typeof Instance} */ (
    /** @type {unknown} */ (
      function (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) {
        const kernels = Object.entries(new Instance(module, imports).exports);
        return { exports: Object.fromEntries(kernels.map(([name, kernel]) => [name, troubled(kernel)])) };
      }
    )
  );

  /** @param {unknown} kernel */
  function troubled(kernel) {
    return (/** @type {number[]} */ ...args) => {
      Atomics.add(words, CHUNKS, 1);
      wait(DELAY);
      // Only one thread gets into it.
      const trouble = Atomics.exchange(words, TROUBLE, 0);
      if (trouble > 0) {
        Atomics.store(words, TAKEN, 1);
        Atomics.notify(words, TAKEN);
      }
      troubles[trouble]?.(() => /** @type {Function} */ (kernel)(...args));
    };
  }
}
