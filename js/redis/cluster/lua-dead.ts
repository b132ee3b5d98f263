// What the scripts of sessions that were given up say. KEYS: those of the session, then the same of the session as it was when it was given up.

import { scriptOf } from '../session/scripts/script.js'

/** ARGV: epoch, token, ms that the copy is retained. */
export const RETAIN = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'e','t','ov')
  if not h[1] then return {'gone'} end
  if h[3] then return {'over'} end
  if h[1]~=ARGV[1] or h[2]~=ARGV[2] then return {'fenced'} end
  for k=1,6 do
    redis.call('DEL',KEYS[k+6])
    if redis.call('EXISTS',KEYS[k])==1 then
      redis.call('COPY',KEYS[k],KEYS[k+6])
      redis.call('PEXPIRE',KEYS[k+6],ARGV[3])
    end
  end
  return {'ok'}
`)

/** ARGV: ms that it is kept: it goes on as it was, and nothing counts against it. `open`: it was opened from scratch meanwhile. */
export const REVIVE = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'n','ov')
  if h[1] and not h[2] then return {'open'} end
  if redis.call('EXISTS',KEYS[7])==0 then return {'gone'} end
  for k=1,6 do
    redis.call('DEL',KEYS[k])
    if redis.call('EXISTS',KEYS[k+6])==1 then
      redis.call('RENAME',KEYS[k+6],KEYS[k])
      redis.call('PEXPIRE',KEYS[k],ARGV[1])
    end
  end
  redis.call('HDEL',KEYS[1],'x','xp','xm','xa','w','d')
  return {'ok'}
`)

/** Nothing counts against a session any more. */
export const RESET = scriptOf(`
  if redis.call('EXISTS',KEYS[1])==0 then return {'gone'} end
  return {'ok',redis.call('HDEL',KEYS[1],'x','xp','xm','xa')>0 and 1 or 0}
`)
