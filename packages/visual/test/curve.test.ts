import { describe, expect, test } from 'vitest';
import { curve } from '@receptive/visual';
import type { CurvePoint } from '@receptive/visual';

const history: CurvePoint[] = [
  { epoch: 1, trainLoss: 0.5, trainAccuracy: 0.9, validationLoss: 0.4, validationAccuracy: 0.92 },
  { epoch: 2, trainLoss: 0.25, trainAccuracy: 0.95, validationLoss: 0.3, validationAccuracy: 0.94 },
  { epoch: 3, trainLoss: 0.125, trainAccuracy: 0.98, validationLoss: 0.25, validationAccuracy: 0.96 },
];

const textsOf = (svg: string) => Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), (match) => match[1]);
/** The curves, which are the paths of width 2 with round joins. */
const pathsOf = (svg: string) => Array.from(svg.matchAll(/<path d="([^"]*)" fill="none"/g), (match) => match[1]!);

/** Throws unless every element is closed by its own name. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, closed] of svg.matchAll(/<(\/?)(\w+)(?:\s+[\w-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (slash) expect(open.pop()).toBe(name);
    else if (!closed) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<(\/?)(\w+)(?:\s+[\w-]+="[^"<]*")*\s*(\/?)>/g, '')).not.toMatch(/[<>]/);
}

describe('curve', () => {
  test('draws training and validation, loss and accuracy, with axes and a legend', () => {
    const svg = curve(history, { title: 'LeNet-5' });
    expectWellFormed(svg);
    expect(pathsOf(svg)).toHaveLength(4);
    expect(svg.match(/<circle/g)).toHaveLength(12);
    const texts = textsOf(svg);
    expect(texts).toEqual(
      expect.arrayContaining(['LeNet-5', 'Loss', 'Accuracy', '0.0', '0.5', '90%', '100%', '1', '2', '3', 'epoch']),
    );
    expect(texts).toEqual(
      expect.arrayContaining(['training 0.125', 'validation 0.250', 'training 98.00 %', 'validation 96.00 %']),
    );
  });

  test('puts each value where its axis says', () => {
    // Epochs from 56 to 424, losses from 0 at 276 to 0.5 at 64.
    expect(pathsOf(curve(history))[0]).toBe('M56,64L240,170L424,223');
  });

  test('has a background of its own, under everything', () => {
    expect(curve(history)).toMatch(
      /^<svg [^>]*><title>[^<]*<\/title><rect width="880" height="320" rx="8" fill="#ffffff"\/>/,
    );
  });

  test('leaves out what was not measured', () => {
    const onlyLoss = curve(history.map(({ epoch, trainLoss }) => ({ epoch, trainLoss: trainLoss! })));
    expectWellFormed(onlyLoss);
    expect(pathsOf(onlyLoss)).toHaveLength(1);
    expect(onlyLoss).toContain('viewBox="0 0 440 320"');
    expect(textsOf(onlyLoss)).not.toContain('validation');
  });

  test('joins steps within epochs and epochs: each curve has its own points', () => {
    const steps = Array.from({ length: 100 }, (_, i) => ({ epoch: (i + 1) / 50, trainLoss: 1 / (i + 1) }));
    const svg = curve([...steps, { epoch: 2, validationLoss: 0.1 }]);
    const [training, validation] = pathsOf(svg);
    expect(training!.split('L')).toHaveLength(100);
    expect(validation).toBe('M424,254.8Z');
    expect(svg.match(/<circle/g)).toHaveLength(1); // a hundred dots would hide the curve
    expect(textsOf(svg).filter((text) => /^\d$/.test(text!))).toEqual(['1', '2']);
  });

  test('of one epoch is a dot in the middle', () => {
    const svg = curve(history.slice(0, 1));
    expectWellFormed(svg);
    expect(svg).toContain('<circle cx="240" cy="64" r="3"');
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('of nothing says so', () => {
    const svg = curve([]);
    expectWellFormed(svg);
    expect(textsOf(svg)).toEqual(['Loss', 'Nothing was measured yet.']);
  });

  test('that went astray has a gap, a cross, and says so', () => {
    const svg = curve([...history, { epoch: 4, trainLoss: NaN, validationLoss: Infinity }]);
    expectWellFormed(svg);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining(['training NaN', 'validation Infinity', '× not a finite number']),
    );
    expect(pathsOf(svg)[0]!.split('L')).toHaveLength(3);
    expect(svg.match(/="[^"]*(NaN|Infinity)[^"]*"/)).toBeNull();
    const within = curve(history.map((point, i) => (i === 1 ? { ...point, trainLoss: NaN } : point)));
    expect(pathsOf(within)[0]!.match(/M/g)).toHaveLength(2);
    const never = curve([{ epoch: 1, trainLoss: NaN }]);
    expectWellFormed(never);
    expect(never.match(/="[^"]*NaN[^"]*"/)).toBeNull();
  });

  test('of values that are all the same still has an axis', () => {
    for (const value of [0, 1, -1]) {
      const svg = curve([
        { epoch: 1, trainLoss: value, trainAccuracy: Math.abs(value) },
        { epoch: 2, trainLoss: value, trainAccuracy: Math.abs(value) },
      ]);
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(textsOf(svg).length).toBeGreaterThan(12);
    }
  });

  test('may have any title', () => {
    const svg = curve(history, { title: '<script>"a" & b</script>' });
    expectWellFormed(svg);
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&#60;script&#62;&#34;a&#34; &#38; b');
  });
});
