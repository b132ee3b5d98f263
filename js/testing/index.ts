// js/testing: tools for tests of stream functions. Knows nothing of the operators whose clocks it moves.
//
// velo-stream/testing: what tests of stream functions need: time that a test moves, sources and readers that it drives by hand.

export { collect } from './collect.js'
export { type ControlledSource, controlledSource } from './controlled-source.js'
export { type SlowConsumer, slowConsumer } from './slow-consumer.js'
export { type VirtualClock, virtualClock } from './virtual-clock.js'
