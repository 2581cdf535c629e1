// The simulated PEMS in a process of its own, so that it can be killed; what it accepted stays in its folder.
import { startSimulator, type SimulatorOptions } from '../../simulator/index.ts';
import { runProcess } from '../../src/cli/process.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as SimulatorOptions;
await runProcess(() => startSimulator(options));
