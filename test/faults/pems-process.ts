// The simulated PEMS in its own process, so that tests can kill it; its folder keeps accepted writes.
import { startSimulator, type SimulatorOptions } from '../../simulator/index.ts';
import { runProcess } from '../../src/cli/process.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as SimulatorOptions;
await runProcess(() => startSimulator(options));
