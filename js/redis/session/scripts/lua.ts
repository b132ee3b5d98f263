// What the scripts of one session say. KEYS: m what is known (a hash), i events, o results (lists), s the state, h hashes (strings), c outcomes (a hash). Fields of m:
// e t (epoch and token of the owner), at sd (of its birth), f i (first event kept, next to come), d (delivered), hf (first hash), of (first result kept),
// sv se sr sa (of the state), h (hashes, as long as these are few), on (outcomes so far), ov (it is over, s is its end), m b (bytes it may keep, bytes kept; only where there is a bound).
// An answer begins with a word: ok, or why not. Numbers beyond 14 digits are written by hand, because Lua rounds them.

import { scriptOf } from './script.js'

const OWNED = `
  local h=redis.call('HMGET',KEYS[1],'e','t','ov')
  if not h[1] then return {'gone'} end
  if h[1]~=ARGV[1] or h[2]~=ARGV[2] then return {'fenced'} end
`

/** KEYS: also those of earlier versions. Not there: the cluster has a session of this name (n). `base`: what to add to the numbers of keys. */
const BEFORE = `
  local base=0
  if redis.call('EXISTS',KEYS[1])==0 then
    local old=redis.call('HMGET',KEYS[7],'sd','n')
    if old[1] and not old[2] then base=6 end
  end
`
/** It gets the new names. */
const RENAMED = `
  ${BEFORE}
  if base>0 then for k=1,6 do if redis.call('EXISTS',KEYS[k+6])==1 then redis.call('RENAME',KEYS[k+6],KEYS[k]) end end end
`

/** ARGV: token, at, seed, bytes it may keep or ''. */
export const OPEN = scriptOf(`
  ${RENAMED}
  local function size(list) local sum=0 for _,x in ipairs(list) do sum=sum+#x+16 end return sum end
  local t=redis.call('TIME')
  local h=redis.call('HMGET',KEYS[1],'e','at','sd')
  local epoch=tonumber(t[1])*1000000+tonumber(t[2])
  if h[1] then epoch=math.max(epoch,tonumber(h[1])+1) end
  epoch=string.format('%.0f',epoch)
  redis.call('HSET',KEYS[1],'e',epoch,'t',ARGV[1])
  if not h[2] then redis.call('HSET',KEYS[1],'at',ARGV[2],'sd',ARGV[3]) h[2]=ARGV[2] h[3]=ARGV[3] end
  local state=redis.call('GET',KEYS[4]) or ''
  local hashes=redis.call('HGET',KEYS[1],'h') or redis.call('GET',KEYS[5]) or ''
  local outputs=redis.call('LRANGE',KEYS[3],0,-1)
  local outcomes=redis.call('HGETALL',KEYS[6])
  if ARGV[4]~='' then
    local b=size(outputs)+#hashes+size(redis.call('HVALS',KEYS[6]))+#state+16
    for _,x in ipairs(redis.call('LRANGE',KEYS[2],0,-1)) do b=b+#x+7 end
    redis.call('HSET',KEYS[1],'m',ARGV[4],'b',b)
  else redis.call('HDEL',KEYS[1],'m','b') end
  local m=redis.call('HMGET',KEYS[1],'f','i','d','hf','of','sv','se','sr','sa','ov')
  return {'ok',h[1] and 0 or 1,epoch,h[2],h[3],m,state,hashes,outputs,outcomes}
`)

/** ARGV: epoch, token, index of the first, records. */
export const APPEND = scriptOf(`
  ${OWNED}
  if h[3] then return {'over'} end
  local g=redis.call('HMGET',KEYS[1],'i','m','b')
  local i=tonumber(g[1] or '0')
  local from=tonumber(ARGV[3])
  if from>i then return {'gap',i} end
  local n=from+#ARGV-3
  if n<=i then return {'ok'} end
  if g[2] then
    local b=tonumber(g[3])
    for k=4+i-from,#ARGV do b=b+#ARGV[k]+7 end
    local isEnd=#ARGV==4+i-from and string.byte(ARGV[#ARGV])==1
    if b>tonumber(g[2]) and not isEnd then return {'full',b,g[2]} end
    redis.call('HSET',KEYS[1],'b',b)
  end
  for k=4+i-from,#ARGV,1000 do redis.call('RPUSH',KEYS[2],unpack(ARGV,k,math.min(k+999,#ARGV))) end
  redis.call('HSET',KEYS[1],'i',n)
  return {'ok'}
`)

/** ARGV: epoch, token, index, count, bytes: records until there are so many, or so many bytes. */
export const READ = scriptOf(`
  ${OWNED}
  local first=tonumber(redis.call('HGET',KEYS[1],'f') or '0')
  local from=tonumber(ARGV[3])-first
  if from<0 then return {'dropped',first} end
  local out,bytes={},0
  while #out<tonumber(ARGV[4]) do
    local page=redis.call('LRANGE',KEYS[2],from+#out,from+#out+math.min(63,tonumber(ARGV[4])-#out-1))
    for _,x in ipairs(page) do
      if #out>0 and bytes>=tonumber(ARGV[5]) then return {'ok',out} end
      out[#out+1]=x bytes=bytes+#x-9
    end
    if #page==0 or bytes>=tonumber(ARGV[5]) then break end
  end
  return {'ok',out}
`)

/** Everything of a session; whether there was something, and its epoch. */
export const DISCARD = scriptOf(`
  ${RENAMED}
  local e=redis.call('HGET',KEYS[1],'e')
  redis.call('DEL',unpack(KEYS,1,6))
  return {'ok',e and 1 or 0,e or '0'}
`)

/** KEYS: streams of a function. ARGV: one of them, an epoch: it is taken off the list, where it was not opened after that. */
export const FORGET = scriptOf(`
  local s=redis.call('ZSCORE',KEYS[1],ARGV[1])
  if s and tonumber(s)<=tonumber(ARGV[2]) then redis.call('ZREM',KEYS[1],ARGV[1]) end
  return {'ok'}
`)

/** The same for one that is gone; it may be that it is just being opened, and then it was listed within the last minute. */
export const FORGET_OLD = scriptOf(`
  local s=tonumber(redis.call('ZSCORE',KEYS[1],ARGV[1]) or '0')
  local t=redis.call('TIME')
  local now=tonumber(t[1])*1000000+tonumber(t[2])
  if s==0 then redis.call('ZADD',KEYS[1],'XX',string.format('%.0f',now),ARGV[1])
  elseif now-s>60000000 then redis.call('ZREM',KEYS[1],ARGV[1]) end
  return {'ok'}
`)

/** What is told of a stream that is kept: next event, results delivered, bytes. */
export const TELL = scriptOf(`
  ${BEFORE}
  local h=redis.call('HMGET',KEYS[base+1],'e','i','d','ov','b')
  if not h[1] then return {'gone'} end
  if h[4] then return {'over'} end
  local b=h[5]
  if not b then b=0 for k=base+1,base+6 do b=b+(redis.call('MEMORY','USAGE',KEYS[k]) or 0) end end
  return {'ok',h[2] or '0',h[3] or '0',tonumber(b)}
`)
