import { DefaultReporter, type TestCase, type TestModule, type TestSpecification } from 'vitest/node';
import type { SerializedError } from 'vitest';
import type { TestRunEndReason } from 'vitest/reporters';

/** `project: path > suite > test: reason` */
function skipped(test: TestCase): string {
  const result = test.result();
  const reason = (result.state === 'skipped' && result.note) || 'no reason given';
  return `  ${test.project.name}: ${test.module.relativeModuleId} > ${test.fullName}: ${reason}`;
}

/**
 * Vitest's own output, then the skipped tests with their reasons and one closing line that a machine can read:
 * `Tests: N passed, N failed` or `Tests: N passed, N failed, N skipped`.
 *
 * Whatever broke without being a test counts as a failure too: a file that did not load or never ran, a hook of a
 * suite, an unhandled error, a test that was not reached, a run that was interrupted or had nothing to run.
 */
export default class Reporter extends DefaultReporter {
  #planned = 0;

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#planned = specifications.length;
    super.onTestRunStart(specifications);
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const inState = (state: ReturnType<TestCase['result']>['state']) =>
      tests.filter((test) => test.result().state === state);

    const passed = inState('passed').length;
    const skips = inState('skipped');
    let failed =
      inState('failed').length +
      inState('pending').length +
      suites.filter((suite) => suite.errors().length > 0).length +
      errors.length +
      (this.#planned - modules.length);
    if (failed === 0 && (reason !== 'passed' || tests.length === 0)) failed = 1;
    if (failed > 0) process.exitCode = 1;

    const lines = skips.length > 0 ? ['Skipped:', ...skips.map(skipped), ''] : [];
    const tail = skips.length > 0 ? `, ${skips.length} skipped` : '';
    console.log([...lines, `Tests: ${passed} passed, ${failed} failed${tail}`].join('\n'));
  }
}
