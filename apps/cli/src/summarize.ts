import { summary } from 'receptive';
import { architectureOf, build, models } from './models.ts';
import type { ModelName } from './models.ts';
import { printLayers } from './report.ts';
import { Screen } from './screen.ts';

/** What stands on the command line. */
export interface SummaryOptions {
  readonly model: ModelName;
  readonly classes: number;
  readonly json?: true | undefined;
}

/** Lists the layers of a model. */
export function summarize({ model: name, classes, json }: SummaryOptions): void {
  const screen = new Screen(json ? process.stderr : process.stdout);
  const { title, input } = models[name];
  const layers = summary(build(architectureOf(name, classes)), input);
  screen.print(`${screen.colors.bold(title)} for ${classes} classes`, '');
  printLayers(screen, layers);
  if (json) process.stdout.write(`${JSON.stringify(layers)}\n`);
}
