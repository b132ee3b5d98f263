// nginx in front, as it comes: `proxy_pass` and nothing else. It speaks HTTP/1.0 to the server, names the server's own address as the host, and adds no header.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { deferred } from '../support/deferred.mjs'
import { onFreePort } from '../support/free-port.mjs'
import { leftover } from '../support/leftovers.mjs'
import { scratch } from '../support/pages.mjs'
import { has, onPath } from '../support/programs.mjs'
import { within } from '../support/within.mjs'
import { average, serving, values, who } from './service.mjs'

const nginx = onPath('nginx')

/** nginx on a port of its own; `more`: lines of its location. */
function proxied(port, more = '') {
  return onFreePort(async (own) => {
    const folder = scratch()
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
    const location = `location / { proxy_pass http://127.0.0.1:${port}; ${more} }`
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
       events {} http { access_log off; ${paths} server { listen 127.0.0.1:${own}; ${location} } }`,
    )
    const child = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' })
    const exit = once(child, 'exit')
    leftover(async () => {
      child.kill('SIGKILL')
      await exit
    })
    const listening = async () => {
      for (;;) {
        const socket = connect(own, '127.0.0.1')
        const found = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
          () => false,
        )
        socket.destroy()
        if (found) return
      }
    }
    const died = exit.then(() => Promise.reject(new Error('nginx ended')))
    await within(20_000, Promise.race([listening(), died]), 'nginx')
    died.catch(() => {})
    return own
  })
}

const ask = (port, path, init) => within(20_000, fetch(`http://127.0.0.1:${port}${path}`, init), path)

test('requests come through; /admin and /dashboard do not', async (context) => {
  if (!has(context, nginx, 'nginx')) return
  const { port } = await serving({ functions: { average, who }, admin: true, dashboard: true })
  const front = await proxied(port)
  const answer = await ask(front, '/fn/average', { method: 'POST', body: '1\n3\n' })
  assert.deepEqual([answer.status, values(await answer.text())], [200, [1, 2]])
  for (const path of ['/metrics', '/healthz', '/readyz']) assert.equal((await ask(front, path)).status, 200, path)
  for (const path of ['/admin/overview', '/dashboard/']) {
    assert.equal((await ask(front, path)).status, 403, path)
    assert.equal((await ask(port, path)).status, 200, path)
  }
})

test('with the usual headers as well', async (context) => {
  if (!has(context, nginx, 'nginx')) return
  const { port } = await serving({ functions: { average }, admin: true, dashboard: true, hosts: ['localhost', 'service.example'] })
  const lines = 'proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'
  const front = await proxied(port, lines)
  for (const path of ['/admin/overview', '/dashboard/']) assert.equal((await ask(front, path)).status, 403, path)
  assert.equal((await ask(front, '/fn/average', { method: 'POST', body: '1\n' })).status, 200)
})

test('a client behind it has its own limit, if it is trusted', async (context) => {
  if (!has(context, nginx, 'nginx')) return
  const go = deferred()
  async function* hold() {
    yield 'began'
    await go.promise
  }
  const lines = 'proxy_buffering off; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'
  for (const [trustProxy, status] of [
    [undefined, 429],
    ['loopback', 200],
  ]) {
    const { port } = await serving({ functions: { hold }, maxPerClient: 1, trustProxy })
    const front = await proxied(port, lines)
    const as = (address) => ask(front, '/fn/hold', { headers: { 'x-forwarded-for': address } })
    assert.equal((await as('203.0.113.1')).status, 200)
    // nginx adds the address that it sees, which is trusted; the one before that is the client's.
    assert.equal((await as('203.0.113.2')).status, status)
    assert.equal((await as('203.0.113.1')).status, 429)
  }
  go.resolve()
})

test('the head of a response without results comes before nginx gives up', async (context) => {
  if (!has(context, nginx, 'nginx')) return
  const go = deferred()
  async function* quiet() {
    await go.promise
    yield 1
  }
  const { port } = await serving({ functions: { quiet } })
  const response = await ask(await proxied(port), '/fn/quiet', { method: 'POST', body: '1\n' })
  assert.equal(response.status, 200)
  go.resolve()
  assert.equal(await within(20_000, response.text(), 'the result'), '1\n')
})
