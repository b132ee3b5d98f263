// What the keys do, as the screen says it.

export const HELP: readonly (readonly [keys: string, says: string])[] = [
  ['up down, j k', 'select a stream; page up, page down, home, end as well'],
  ['enter', 'one stream: all that is known of it, and its last changes'],
  ['s  S', 'sort by the next, or the previous, column'],
  ['r', 'the other way round'],
  ['/', 'search in ids, functions, stages, states and errors; esc ends it'],
  ['p, space', 'pause: what is shown stays, and can be sorted and searched'],
  ['a', 'abort the stream that is selected, after a question'],
  ['q, ctrl-c', 'quit'],
  ['', ''],
  ['WAITS FOR event', 'nobody sends; idleTimeout ends such streams'],
  ['user code', 'the function works; after 10 s it is red'],
  ['reader', 'nobody takes the results'],
  ['room', 'events come faster than the function takes them'],
  ['admission', 'a place under maxConcurrent'],
  ['journal', 'events are on their way into it, or out of it'],
]
