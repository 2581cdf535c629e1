import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with `N passed, N failed, N skipped` on a line of its own, for who reads the output with a program. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let broken = 0;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) count[test.result().state]++;
      // A file that cannot be read has no tests that could fail.
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) broken++;
    }
    console.log(`${count.passed} passed, ${count.failed + broken} failed, ${count.skipped} skipped`);
  }
}
