/**
 * Options of node for a worker's process: garbage is collected before it is several times of what is in use, which V8
 * otherwise lets happen however little that is. They are no limit, which would end a process where many runs come together.
 */
export const smallHeap = ['--max-semi-space-size=16', '--heap-growing-percent=60'];
