// What scripts say to whoever looks after a cluster. KEYS as in lua-directory.ts, or those of a session.

import { scriptOf } from '../../session/scripts/script.js'

/** ARGV: group: the workers with the age of their last beat, their lease, how many sessions they have, and whether they are drained; and how many sessions nobody has. */
export const WORKERS = scriptOf(`
  local t=redis.call('TIME')
  local now=tonumber(t[1])*1000+math.floor(tonumber(t[2])/1000)
  local pending={}
  local info=redis.pcall('XINFO','CONSUMERS',KEYS[1],ARGV[1])
  if not info.err then
    for _,c in ipairs(info) do
      local m={}
      for k=1,#c,2 do m[c[k]]=c[k+1] end
      pending[m.name]=m.pending
    end
  end
  local all,had,out=redis.call('HGETALL',KEYS[2]),0,{}
  for k=1,#all,2 do
    local last,lease=string.match(all[k+1],'^(%d+) (%d+)$')
    if last and not string.find(all[k],':',1,true) then
      local has=pending[all[k]] or 0
      had=had+has
      out[#out+1]={all[k],now-tonumber(last),tonumber(lease),has,redis.call('HEXISTS',KEYS[2],'drain:'..all[k])}
    end
  end
  return {'ok',out,redis.call('XLEN',KEYS[1])-had}
`)

/** ARGV: worker: it gives back what it hosts, and takes no more. */
export const DRAIN = scriptOf(`
  if redis.call('HEXISTS',KEYS[2],ARGV[1])==0 then return {'gone'} end
  redis.call('HSET',KEYS[2],'drain:'..ARGV[1],1)
  return {'ok'}
`)

/** ARGV: worker: it takes sessions again. */
export const UNDRAIN = scriptOf(`
  if redis.call('HEXISTS',KEYS[2],ARGV[1])==0 then return {'gone'} end
  redis.call('HDEL',KEYS[2],'drain:'..ARGV[1])
  return {'ok'}
`)

/** ARGV: the word of a function, 1: its sessions get no events, 0: they do; '' and 0: those of all functions do. Returns the words of those that are paused. */
export const PAUSE = scriptOf(`
  local words={}
  for w in string.gmatch(redis.call('HGET',KEYS[2],'pause:') or '','%S+') do
    if w~=ARGV[1] and ARGV[1]~='' then words[#words+1]=w end
  end
  if ARGV[2]=='1' then words[#words+1]=ARGV[1] end
  if #words==0 then redis.call('HDEL',KEYS[2],'pause:') else redis.call('HSET',KEYS[2],'pause:',table.concat(words,' ')) end
  return {'ok'}
`)

/** ARGV: group, the entry of the session, the worker that shall host it: whoever has it is told at its next beat. */
export const MOVE = scriptOf(`
  if redis.call('HEXISTS',KEYS[2],ARGV[3])==0 then return {'gone'} end
  local has=redis.pcall('XPENDING',KEYS[1],ARGV[1],ARGV[2],ARGV[2],1)
  if has.err or #has==0 then return {'unhosted'} end
  local host=has[1][2]
  if host==ARGV[3] then return {'there'} end
  if redis.call('HEXISTS',KEYS[2],host)==0 then
    redis.call('XCLAIM',KEYS[1],ARGV[1],ARGV[3],0,ARGV[2],'JUSTID')
    return {'ok',host}
  end
  local before=redis.call('HGET',KEYS[2],'move:'..host)
  redis.call('HSET',KEYS[2],'move:'..host,(before and before..' ' or '')..ARGV[2]..' '..ARGV[3])
  return {'ok',host}
`)

/** Of a session: its fields, results that wait, bytes of its state or end, ms until it is forgotten, its end, the time, and the first event that is not finished. */
export const SHOW = scriptOf(`
  local m=redis.call('HGETALL',KEYS[1])
  local over=redis.call('HEXISTS',KEYS[1],'ov')==1 and redis.call('GET',KEYS[4]) or ''
  local h=redis.call('HMGET',KEYS[1],'p','f')
  local at=tonumber(h[1] or '0')-tonumber(h[2] or '0')
  local t=redis.call('TIME')
  local first=at>=0 and redis.call('LINDEX',KEYS[2],at) or ''
  return {'ok',m,redis.call('LLEN',KEYS[3]),redis.call('STRLEN',KEYS[4]),redis.call('PTTL',KEYS[1]),over,t[1]..string.format('%03d',math.floor(t[2]/1000)),first or ''}
`)
