// Buffers that several values of a batch share: with the codec 'binary', byte values are views of one copy of their batch, because a buffer of its own costs a
// value of 1 KB more than all the rest of its way (0.8 us on the development machine). Such a buffer is never moved to another thread.

export const sharedBuffers = new WeakSet<ArrayBufferLike>()
