// What scripts say to whoever sends to a session and reads from it, from anywhere.

import { KEPT_ON } from './lua-parts.js'
import { scriptOf } from './script.js'

/**
 * ARGV: token, at, seed, ms that it is kept, the number of whoever opened it before with this token, or 0, the channel of its readers, headers of a new one as JSON, or '', 1: it reads in place of
 * whoever sent before. `journal`: a durable stream of a RedisJournal of an earlier version has these names. Whoever opens it last is the one who sends, and those before hear so.
 */
export const ENTER = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'at','n','i','en','of','ov','nt')
  if h[1] and not h[2] then return {'journal'} end
  local n=tonumber(h[2] or '0')
  if h[7]~=ARGV[1] then
    if h[7] and ARGV[5]~='0' and n>=tonumber(ARGV[5]) then return {'moved',n} end
    n=math.max(n+1,tonumber(ARGV[5]))
    local a=h[7] and redis.call('HGET',KEYS[1],'r:'..h[7]) or h[5] or '0'
    a=math.max(tonumber(a),tonumber(h[5] or '0'))
    if h[7] then
      redis.call('SPUBLISH',ARGV[6],struct.pack('>dBd',n,4,0))
      if ARGV[8]=='1' then redis.call('HDEL',KEYS[1],'r:'..h[7]) end
    end
    if not h[1] then
      redis.call('HSET',KEYS[1],'at',ARGV[2],'sd',ARGV[3])
      if ARGV[7]~='' then redis.call('HSET',KEYS[1],'hd',ARGV[7]) end
    end
    redis.call('HSET',KEYS[1],'n',n,'nt',ARGV[1],'r:'..ARGV[1],a)
  end
  for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,ARGV[4]) end
  local mine=redis.call('HGET',KEYS[1],'r:'..ARGV[1])
  return {'ok',h[1] and 0 or 1,n,tonumber(h[3] or '0'),h[4] and 1 or 0,tonumber(mine or '0'),h[6] and 1 or 0}
`)

/**
 * ARGV: token, its number, results that were taken: the entry in the directory under which it was hosted, or ''. `gone`: the server does not know of this opening. One of whom only that is not known
 * any more that they read does so again.
 */
export const ENTRY = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'nt','ov','d','n','of','r:'..ARGV[1])
  if not h[1] or tonumber(h[4] or '0')<tonumber(ARGV[2]) then return {'gone'} end
  if not h[6] and tonumber(h[5] or '0')<=tonumber(ARGV[3]) then redis.call('HSET',KEYS[1],'r:'..ARGV[1],ARGV[3]) end
  if h[2] then return {'over'} end
  return {'ok',h[3] or ''}
`)

/** ARGV: ms that it is kept, as long as it is not over. */
export const TOUCH = scriptOf(`
  if redis.call('HEXISTS',KEYS[1],'ov')==0 then for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,ARGV[1]) end end
  return {'ok'}
`)

/** ARGV: words (token, index of the first, ms that it is kept, most events that may wait, whether the last one is the end), records. */
export const SEND = scriptOf(`
  local token,from,ttl,most,ends=string.match(ARGV[1],'^(%S+) (%d+) (%d+) (%d+) (%d)$')
  local R=cmsgpack.unpack(ARGV[2])
  local h=redis.call('HMGET',KEYS[1],'i','nt','en','ov','u','n')
  if not h[2] then return {'gone'} end
  if h[2]~=token then return {'moved',h[6]} end
  local i=tonumber(h[1] or '0')
  from,ttl=tonumber(from),tonumber(ttl)
  local n=from+#R
  if n<=i then return {'ok',i} end
  if h[4] then return {'over'} end
  if h[3] then return {'ended'} end
  if from>i then return {'gap',i} end
  local waiting=i-tonumber(h[5] or '0')
  if waiting>0 and waiting+n-i>tonumber(most) then return {'full'} end
  local len
  for k=1+i-from,#R,1000 do len=redis.call('RPUSH',KEYS[2],unpack(R,k,math.min(k+999,#R))) end
  local made=len==n-i and {[2]=true} or {}
  if ends=='1' then redis.call('HSET',KEYS[1],'i',n,'en',1) else redis.call('HSET',KEYS[1],'i',n) end
  ${KEPT_ON}
  local news=struct.pack('>dB',from,0)..ARGV[2]
  if #news>65536 then news=struct.pack('>dB',i,2) end
  redis.call('SPUBLISH',string.sub(KEYS[1],1,-2)..'>',news)
  return {'ok',n}
`)

/** ARGV: token, index, count: events that are there, for whoever sends; those that its host is through with are so many empty ones. */
export const SENT = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'i','nt','f','n')
  if not h[2] then return {'gone'} end
  if h[2]~=ARGV[1] then return {'moved',h[4]} end
  local f,from=tonumber(h[3] or '0'),tonumber(ARGV[2])
  if from<f then return {'ok',math.min(f-from,tonumber(ARGV[3])),{}} end
  return {'ok',0,redis.call('LRANGE',KEYS[2],from-f,from-f+tonumber(ARGV[3])-1)}
`)

/** ARGV: index, count, bytes. */
export const RESULTS = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'of','ov','nt','i','u')
  if not h[3] then return {'gone'} end
  local of=tonumber(h[1] or '0')
  local from=tonumber(ARGV[1])-of
  if from<0 then
    if h[2] and redis.call('LLEN',KEYS[3])==0 then return {'ok',{},tonumber(ARGV[1]),redis.call('GET',KEYS[4]) or '',h[3],0} end
    return {'behind',of}
  end
  local page,out,bytes=redis.call('LRANGE',KEYS[3],from,from+tonumber(ARGV[2])-1),{},0
  for _,x in ipairs(page) do
    if #out>0 and bytes>=tonumber(ARGV[3]) then break end
    out[#out+1]=x bytes=bytes+#x
  end
  return {'ok',out,of+redis.call('LLEN',KEYS[3]),h[2] and redis.call('GET',KEYS[4]) or '',h[3],tonumber(h[4] or '0')}
`)

/** ARGV: token, results that were taken (or '': the reader leaves), ms that an end is kept when everybody knows it, the channel of the host. */
export const TAKEN = scriptOf(`
  local all=redis.call('HGETALL',KEYS[1])
  if #all==0 then return {'ok'} end
  local mine='r:'..ARGV[1]
  local m={}
  for k=1,#all,2 do m[all[k]]=all[k+1] end
  if not m[mine] then return {'ok'} end
  local least=tonumber(ARGV[2]) or (m.nt==ARGV[1] and tonumber(m[mine])) or nil
  if ARGV[2]=='' and m.nt~=ARGV[1] then redis.call('HDEL',KEYS[1],mine) elseif ARGV[2]~='' then redis.call('HSET',KEYS[1],mine,ARGV[2]) end
  for k,v in pairs(m) do
    if string.sub(k,1,2)=='r:' and k~=mine then v=tonumber(v) if not least or v<least then least=v end end
  end
  local of=tonumber(m.of or '0')
  if least and least>of then
    redis.call('LTRIM',KEYS[3],least-of,-1)
    redis.call('HSET',KEYS[1],'of',least)
    if m.fu then redis.call('HDEL',KEYS[1],'fu') redis.call('SPUBLISH',ARGV[4],struct.pack('>dB',0,3)) end
  end
  if m.ov and redis.call('LLEN',KEYS[3])==0 then for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,ARGV[3]) end end
  return {'ok'}
`)

/** ARGV: token, the end, ms that it is kept, channel of its host, channel of its readers: it is over, because whoever sends says so. */
export const ABORT = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'nt','ov','of')
  if not h[1] then return {'gone'} end
  if h[1]~=ARGV[1] then return {'moved'} end
  if h[2] then return {'over'} end
  local q=tonumber(h[3] or '0')+redis.call('LLEN',KEYS[3])
  redis.call('DEL',KEYS[2],KEYS[3],KEYS[5],KEYS[6])
  redis.call('HDEL',KEYS[1],'sv','se','sr','sa','w','h')
  redis.call('HSET',KEYS[1],'ov',1,'of',q)
  redis.call('SET',KEYS[4],ARGV[2],'PX',ARGV[3])
  redis.call('PEXPIRE',KEYS[1],ARGV[3])
  redis.call('SPUBLISH',ARGV[4],struct.pack('>dB',0,1))
  redis.call('SPUBLISH',ARGV[5],struct.pack('>dBd',q,1,0))
  return {'ok'}
`)
