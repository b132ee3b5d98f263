// Modules of Node.js for the files that a process loads when it starts.

/**
 * A module of Node.js as it is. A static import of one copies all that it exports, and so calls each of its getters: those of `util`, `fs` and `crypto` load a parser of arguments, two kinds of file streams and
 * WebCrypto, which with the rest took 3 ms of a cold start.
 */
export const builtin: typeof process.getBuiltinModule = process.getBuiltinModule
