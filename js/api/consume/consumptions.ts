// Both kinds of `consume` at work: what it loads when it is called.

export { Consumption } from './consumption.js'
export { PartedConsumption } from './parts.js'
