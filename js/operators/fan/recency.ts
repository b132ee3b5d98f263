// A list in the order of last use, linked through its members: touching one takes the same time however many there are.

export interface Linked {
  older: this | null
  newer: this | null
}

export class Recency<Member extends Linked> {
  oldest: Member | null = null
  newest: Member | null = null

  /** Puts a member that is not in the list at its new end. */
  add(member: Member): void {
    member.older = this.newest
    if (this.newest === null) this.oldest = member
    else this.newest.newer = member
    this.newest = member
  }

  remove(member: Member): void {
    if (member.older === null) this.oldest = member.newer
    else member.older.newer = member.newer
    if (member.newer === null) this.newest = member.older
    else member.newer.older = member.older
    member.older = null
    member.newer = null
  }

  /** It was used now. */
  touch(member: Member): void {
    if (member === this.newest) return
    this.remove(member)
    this.add(member)
  }
}
