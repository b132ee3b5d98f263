// What the number of deliveries of a message says about its executions. A message that is read beside others may never reach the function, so its first deliveries prove nothing; after
// that adapters deliver it alone, and each further delivery is an execution.

/** Deliveries beside others. */
const BESIDE_OTHERS = 2
/** So many executions without an end are enough, however many more deliveries are allowed. */
const ENOUGH = 2

/** It was delivered that often without an end: the next delivery is to be alone. */
export function mustBeAlone(deliveries: number): boolean {
  return deliveries >= BESIDE_OTHERS
}

/** Executions that `deliveries` without an end prove. */
export function provenExecutions(deliveries: number): number {
  return Math.max(0, deliveries - BESIDE_OTHERS)
}

/** The number of deliveries that proves so many executions. */
export function deliveriesOf(executions: number): number {
  return BESIDE_OTHERS + executions
}

/** It was delivered `deliveries` times without an end, and its process died while it was executed. */
export function isPoison(deliveries: number, maxDeliveries: number): boolean {
  return deliveries >= maxDeliveries && provenExecutions(deliveries) >= Math.min(maxDeliveries, ENOUGH)
}
