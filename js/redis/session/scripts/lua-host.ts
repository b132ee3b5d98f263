// What scripts say of a session that a process hosts: whoever hosts it owns it as in lua.ts, and whoever sends to it is another. Fields of m beside those in lua.ts: n nt (number and
// token of who may send), en (the input has ended), d (its entry in the directory), w (who hosts it), u (events taken), p (events that the function has finished), pt (when it finished the last one, Unix ms), r:* (results that a
// reader has taken), hd (headers, as JSON). Of a suspect session: x (deaths of its host while it executed an event), xp (it is innocent once p reaches this), xm (the event being executed),
// xa (no other session of its process executed an event). Results stay until their readers have taken them: `of` says which is the first.

import { argumentsOf, HASHES_GO, hashesAndOutcomes, hashesKept, isFresh, isOutcomeLost, KEPT_ON, OUTCOMES_GO } from './lua-parts.js'
import { scriptOf } from './script.js'

/**
 * ARGV: worker, token, entry, ms that it is kept. A death of the previous host counts against the session only if an event was being executed: by its mark if it was suspect before,
 * else by what was not finished. A session without unfinished events is innocent.
 */
export const CLAIM = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'at','sd','ov','d','e','x','hd','w','i','p','xm','xa','xp')
  if not h[1] then return {'gone'} end
  if h[3] then return {'over'} end
  if h[4] and h[4]~=ARGV[3] then return {'other',h[4]} end
  local t=redis.call('TIME')
  local epoch=tonumber(t[1])*1000000+tonumber(t[2])
  if h[5] then epoch=math.max(epoch,tonumber(h[5])+1) end
  epoch=string.format('%.0f',epoch)
  local function num(x) return tonumber(x or '0') or 0 end
  local x,xp,i,p=num(h[6]),num(h[13]),num(h[9]),num(h[10])
  local died=h[8] and h[8]~=ARGV[1]
  local alone=died and h[12] and 1 or 0
  if i<=p then x=0
  elseif died and x==0 then x=1 xp=i
  elseif died and h[11] and num(h[11])>=p then x=x+1 xp=math.max(p,num(h[11]))+1
  else alone=0 end
  redis.call('HDEL',KEYS[1],'x','xp','xm','xa')
  redis.call('HSET',KEYS[1],'e',epoch,'t',ARGV[2],'w',ARGV[1],'d',ARGV[3])
  if x>0 then redis.call('HSET',KEYS[1],'x',x,'xp',xp) end
  for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,ARGV[4]) end
  local m=redis.call('HMGET',KEYS[1],'f','i','of','hf','of','sv','se','sr','sa','ov')
  m[3]=tonumber(m[3] or '0')+redis.call('LLEN',KEYS[3])
  m[3]=tostring(m[3])
  return {'ok',0,epoch,h[1],h[2],m,redis.call('GET',KEYS[4]) or '',redis.call('HGET',KEYS[1],'h') or redis.call('GET',KEYS[5]) or '',{},redis.call('HGETALL',KEYS[6]),x,h[7] or '',died and 1 or 0,xp,p,alone}
`)

/** ARGV: worker's entry in the directory of which another is the right one; it is taken over where that one is gone. */
export const ADOPT = scriptOf(`
  if redis.call('HGET',KEYS[1],'d')==ARGV[1] then redis.call('HSET',KEYS[1],'d',ARGV[2]) end
  return {'ok'}
`)

/** ARGV: epoch, token, the event that is executed next, 1 if no other session of the process executes one. */
export const MARK = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'e','t','ov')
  if not h[1] then return {'gone'} end
  if h[3] then return {'over'} end
  if h[1]~=ARGV[1] or h[2]~=ARGV[2] then return {'fenced'} end
  redis.call('HSET',KEYS[1],'xm',ARGV[3])
  if ARGV[4]=='1' then redis.call('HSET',KEYS[1],'xa',1) else redis.call('HDEL',KEYS[1],'xa') end
  return {'ok'}
`)

/** ARGV: epoch, token: given back on purpose, which is no takeover. */
export const RELEASE = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'e','t','ov')
  if h[1]~=ARGV[1] or h[2]~=ARGV[2] or h[3] then return {'fenced'} end
  redis.call('HDEL',KEYS[1],'w','xm','xa')
  return {'ok'}
`)

/** ARGV: epoch, token, ms that it is kept: whether it is still owned, and what there is of it. */
export const LOOK = scriptOf(`
  local h=redis.call('HMGET',KEYS[1],'e','t','ov','i','of','se')
  if not h[1] then return {'gone'} end
  if h[3] then return {'over'} end
  if h[1]~=ARGV[1] or h[2]~=ARGV[2] then return {'fenced'} end
  return {'ok',tonumber(h[4] or '0'),tonumber(h[5] or '0')+redis.call('LLEN',KEYS[3]),tonumber(h[6] or '0')}
`)

/**
 * As COMMIT, but 3 the events on which it rests, 14 '' or ms that the end and the results are kept; 16 ms that the session is kept, 17 how many results may wait before no more are added, 18 the events that the function has finished, 19
 * the number of an outcome that was stored before. What it
 * rests on is there no more: `lost`. `full`: readers are behind; those who may not send, and are the
 * furthest behind, are left behind before that.
 */
export const HOST_COMMIT = scriptOf(`
  ${argumentsOf(19)}
  local function num(x) return tonumber(x or '0') or 0 end
  local h=redis.call('HMGET',KEYS[1],'e','t','ov','f','i','hf','of','se','sr','sa','on','nt','h','x','xp','p')
  if not h[1] then return {'gone'} end
  if h[3] then return {'over'} end
  if h[1]~=A[1] or h[2]~=A[2] then return {'fenced'} end
  local i,hf,of=num(h[5]),num(h[6]),num(h[7])
  if i<num(A[3]) then return {'lost'} end
  local olen=redis.call('LLEN',KEYS[3])
  local outcomes,outputs=num(A[6]),#R
  local first=1
  if outputs>0 then
    local skip=of+olen-num(A[12])
    if skip<0 then return {'lost'} end
    first=first+skip
  end
  local added=math.max(0,outputs-first+1)
  local cap=num(A[17])
  if added>0 and olen>=cap then
    local mine=num(redis.call('HGET',KEYS[1],'r:'..(h[12] or '')))
    if mine>of then
      local all=redis.call('HKEYS',KEYS[1])
      for _,k in ipairs(all) do if string.sub(k,1,2)=='r:' and num(redis.call('HGET',KEYS[1],k))<mine then redis.call('HDEL',KEYS[1],k) end end
      redis.call('LTRIM',KEYS[3],mine-of,-1)
      redis.call('HSET',KEYS[1],'of',mine)
      olen=math.max(0,olen-(mine-of)) of=mine
    end
    if olen>=cap then redis.call('HSET',KEYS[1],'fu',1) return {'full'} end
  end
  ${isFresh(8)}
  ${hashesKept(13)}
  if A[4]~='' and tonumber(A[4])>hnext then return {'lost'} end
  local asked=num(h[10])
  if ${isOutcomeLost(19)} then return {'lost'} end
  local finished=math.max(num(h[16]),num(A[18]))
  local set={'u',A[3]}
  if fresh then
    local f,se=num(h[4]),tonumber(A[8])
    if A[10]~=tostring(asked) then
      asked=tonumber(A[10])
      ${OUTCOMES_GO}
    end
    if se>f then redis.call('LTRIM',KEYS[2],se-f,-1) f=se end
    ${HASHES_GO}
    redis.call('SET',KEYS[4],A[11],'PX',A[16])
    for k,v in ipairs({'f',f,'hf',hf,'sv',A[7],'se',A[8],'sr',A[9],'sa',A[10]}) do set[k+2]=v end
  end
  if finished>num(h[16]) then
    local t=redis.call('TIME')
    for _,v in ipairs({'p',finished,'pt',string.format('%d%03d',t[1],math.floor(t[2]/1000))}) do set[#set+1]=v end
  end
  ${hashesAndOutcomes(11, 13)}
  for k=first,outputs,1000 do redis.call('RPUSH',KEYS[3],unpack(R,k,math.min(k+999,outputs))) end
  if olen==0 and added>0 then made[3]=true end
  redis.call('HSET',KEYS[1],unpack(set))
  if h[14] and finished>=num(h[15]) then redis.call('HDEL',KEYS[1],'x','xp','xm','xa') end
  local q=of+olen
  if A[14]~='' then
    redis.call('DEL',KEYS[2],KEYS[5],KEYS[6])
    redis.call('HDEL',KEYS[1],'sv','se','sr','sa','w','h')
    redis.call('HSET',KEYS[1],'ov',1,'f',i)
    redis.call('SET',KEYS[4],A[15])
    for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,A[14]) end
  else
    local ttl=num(A[16])
    ${KEPT_ON}
  end
  if added>0 or A[14]~='' then
    local news=struct.pack('>dBd',q-first+1,A[14]~='' and 1 or 0,num(A[3]))..ARGV[5]
    if #news>65536 then news=struct.pack('>dBd',q,2,num(A[3])) end
    redis.call('SPUBLISH',string.sub(KEYS[1],1,-2)..'<',news)
  end
  return {'ok',q+added}
`)
