// js/dashboard/page: the page itself, in a browser. Owns what is seen; knows nothing of Node.js, and takes of the rest of js/ the types alone, and how latencies are reckoned. Whatever comes from a stream is text, never markup.
//
// What the parts are told, and what they ask for.

import type { Picture } from '../wire.js'
import { Charts } from './charts/charts.js'
import { Detail } from './detail.js'
import { byId } from './dom.js'
import { age, bytes, count } from './format.js'
import { Link, type LinkState } from './link.js'
import { Table } from './table/table.js'
import { Tools } from './tools.js'

const SAYS: Record<LinkState, string> = {
  connecting: 'connecting',
  live: 'live',
  slow: 'every 2 s',
  lost: 'no answer',
  refused: 'not let in',
  paused: 'paused',
}

const link = new Link(show, say)
const charts = new Charts(byId('charts'))
const detail = new Detail(byId('detail'), byId('main'), (id) => look(id))
const table = new Table(byId('grid'), {
  onWindow: (window) => link.look(window),
  onSort: (sort, order) => {
    tools.sorted(sort)
    link.look({ sort, order, offset: 0 })
  },
  onOpen: (id) => look(id),
})
const tools = new Tools(table, (change) => {
  table.toTop()
  link.look({ ...change, offset: 0 })
})
const pause = byId<HTMLButtonElement>('pause')

pause.addEventListener('click', () => {
  const isPaused = link.toggle()
  pause.setAttribute('aria-pressed', String(isPaused))
  pause.textContent = isPaused ? 'Go on' : 'Pause'
})
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === 'Escape' && detail.isOpen) return look('')
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return
  if (event.key === 'p') pause.click()
  else if (event.key === '/') tools.focus()
  else return
  event.preventDefault()
})
link.look({})

/** Opens the detail of a stream; with '' closes it. */
function look(id: string): void {
  if (id === '') detail.close()
  else detail.open(id)
  table.chosen(id)
  link.look({ stream: id })
  if (id === '') table.focus()
}

function show({ overview, list, offset, detail: one }: Picture): void {
  const { title, pid, node, startedAt, memory } = overview.process
  byId('title').textContent = title
  byId('about').textContent = `process ${pid}, Node.js ${node}, up ${age(overview.at - startedAt)}, ${bytes(memory)}`
  document.title = `${count(overview.totals.streamsOpen)} open - ${title}`
  byId('count').textContent =
    list.matching === list.total ? `${count(list.total)} live` : `${count(list.matching)} of ${count(list.total)} live`
  charts.show(overview)
  table.show(list, offset)
  detail.show(one)
}

function say(state: LinkState): void {
  const element = byId('link')
  if (element.dataset.state === state) return
  element.dataset.state = state
  element.textContent = SAYS[state]
}
