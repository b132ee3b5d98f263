// What a command is, to its help and to whoever reads its words.

/** An option: what its value is called, where it takes one, and what it does. */
export interface OptionText {
  readonly value?: string
  readonly says: string
}

/** A command. */
export interface Command {
  /** Its arguments, as the help shows them: `<needed>`, `[...more]`. */
  readonly args: readonly string[]
  readonly says: string
  /** Where the usage is not the name, the arguments and `[options]`. */
  readonly usage?: string
  /** By name, without the dashes. */
  readonly options: Readonly<Record<string, OptionText>>
  readonly examples: readonly string[]
}
