import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startCluster, type RunningCluster } from './clusters.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Endpoint through which test files request the cluster of a version, which starts at the first request. */
    clustersUrl: string;
    /** The major version that the project tests. */
    postgresVersion: number;
  }
}

interface Clusters {
  url: string;
  /** Number of projects of this run that use them. */
  users: number;
  stop(): Promise<void>;
}

/** Each project loads this file anew, and all of a run share their clusters. */
const shared = globalThis as { vanguardTestClusters?: Promise<Clusters> };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clusters = await (shared.vanguardTestClusters ??= serveClusters());
  clusters.users += 1;
  project.provide('clustersUrl', clusters.url);
  return async () => {
    clusters.users -= 1;
    if (clusters.users > 0) return;
    shared.vanguardTestClusters = undefined;
    await clusters.stop();
  };
}

async function serveClusters(): Promise<Clusters> {
  const clusters = new Map<number, Promise<RunningCluster>>();
  const key = randomBytes(16).toString('hex'); // the answer lets one in as superuser
  const server = createServer((request, response) => {
    const [, given, version] = (request.url ?? '').split('/');
    if (given !== key || !version) return void response.writeHead(404).end();
    let cluster = clusters.get(Number(version));
    if (!cluster) clusters.set(Number(version), (cluster = startCluster(Number(version))));
    cluster.then(
      ({ superuserUrl, template, prefix }) =>
        response.end(JSON.stringify({ superuserUrl, template, prefix })),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${key}`,
    users: 0,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      const stopped = await Promise.allSettled(
        [...clusters.values()].map(async (cluster) => (await cluster).stop()),
      );
      for (const result of stopped) if (result.status === 'rejected') console.error(result.reason);
    },
  };
}
