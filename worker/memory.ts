/**
 * Options of node for a worker process: they make V8 collect garbage before the heap is several times the memory in
 * use. The options set no limit: a limit would end the process when many runs coincide.
 */
export const smallHeap = ['--max-semi-space-size=16', '--heap-growing-percent=60'];
