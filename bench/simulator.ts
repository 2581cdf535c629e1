/**
 * Runs the simulated PEMS in its own process: `node bench/simulator.ts '{"CODE": size, ...}' [OPTIONS]`. It responds as
 * fast as it can, unless the options (JSON of SimulatorOptions) set a delay. It has only the given organizations and
 * ends with the process that started it.
 */
import { startSimulator, type SimulatorOptions } from '../simulator/index.ts';

const simulator = await startSimulator({
  organizations: JSON.parse(process.argv[2]!) as Record<string, number>,
  onlyListed: true,
  requestsPerSecond: 0,
  // Generates the data first, because a real PEMS runs on another machine and would cost the measurement no time.
  keptBytes: 1024 ** 3,
  ...(JSON.parse(process.argv[3] ?? '{}') as SimulatorOptions),
});
process.on('disconnect', () => void simulator.stop());
process.send!({ type: 'ready', url: simulator.url, controlUrl: simulator.controlUrl });
