import { inject, test } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    places: readonly string[];
  }
}

// Runs in place of the browser tests, where there is no browser.
test('the tests in Chromium', ({ skip }) => {
  skip(
    `there is no Chromium at ${inject('places').join(', ')}. Install it (\`apt-get install chromium\`), or give its path in RECEPTIVE_CHROMIUM`,
  );
});
