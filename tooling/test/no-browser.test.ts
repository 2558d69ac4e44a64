import { inject, test } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    noChromium: string;
  }
}

// Runs in place of the browser tests, where there is no browser.
test('the tests in Chromium', ({ skip }) => skip(inject('noChromium')));
