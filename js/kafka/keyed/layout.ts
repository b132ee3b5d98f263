// Names of what the sessions of a group have at the broker. A partition of the events has one partition of the changelog, of the same number.

export interface Layout {
  readonly groupId: string
  readonly events: string
  readonly results: string
  /** The changelog. */
  readonly state: string
  readonly deadLetter: string
}

/** Whoever has this id at the broker last may write for the partition: the fence. */
export function writerOf({ groupId, events }: Layout, partition: number): string {
  return `${groupId}/${events}/${partition}`
}
