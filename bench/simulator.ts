/**
 * The simulated PEMS in a process of its own, as PEMS is: `node bench/simulator.ts '{"CODE": size, ...}' [OPTIONS]`.
 * Unless the options (JSON of SimulatorOptions) say otherwise it answers as fast as it can. It has only these organizations,
 * and ends with the process that started it.
 */
import { startSimulator, type SimulatorOptions } from '../simulator/index.ts';

const simulator = await startSimulator({
  organizations: JSON.parse(process.argv[2]!) as Record<string, number>,
  onlyListed: true,
  requestsPerSecond: 0,
  // A real PEMS has a machine of its own: making up its data is not to take time from what is measured.
  keptBytes: 1024 ** 3,
  ...(JSON.parse(process.argv[3] ?? '{}') as SimulatorOptions),
});
process.on('disconnect', () => void simulator.stop());
process.send!({ type: 'ready', url: simulator.url, controlUrl: simulator.controlUrl });
