import { join } from 'node:path';
import { defineConfig } from 'vite';

// With these, the threads of a page may share memory.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  server: { headers },
  preview: { headers },
  // A worker that imports packages is a module when it is built, too.
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: ['index.html', 'page.html', 'worker.html'].map((page) => join(import.meta.dirname, page)),
    },
  },
});
