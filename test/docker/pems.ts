/**
 * The simulated PEMS in its own container. The simulator accepts only clients of its own machine, so a proxy forwards
 * requests of the worker's container. `test/docker/composition.ts` mounts this file into the image, beside the
 * simulator.
 */
import { createServer, request } from 'node:http';
import { startSimulator } from '../../simulator/index.ts';

const simulator = await startSimulator({ onlyListed: true, organizations: { RIO: 300 } });

const proxy = createServer((asked, response) => {
  const headers = { ...asked.headers, host: `127.0.0.1:${simulator.port}` };
  const passedOn = request(
    { host: '127.0.0.1', port: simulator.port, method: asked.method, path: asked.url, headers },
    (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    },
  );
  passedOn.on('error', () => response.destroy());
  asked.pipe(passedOn);
}).listen(3010, '0.0.0.0');

process.on('SIGTERM', () => {
  proxy.close();
  proxy.closeAllConnections();
  void simulator.stop();
});
