// js/redis/cluster: sessions that many processes share: who hosts them, how they are run there, and how they are sent to and read from elsewhere. Knows nothing of how a session
// is kept (js/redis/session).
//
// What the scripts of the directory say: a stream with an entry a session, in the hands of the worker that hosts it (a consumer of the group), and a hash of workers with the time of
// their last beat and their lease, both by the clock of the server. KEYS: the stream, the hash.

import { scriptOf } from '../session/scripts/script.js'

/** The group of the workers, and who has what was given back. */
export const GROUP = 'workers'
export const FREE = 'free'

/** ARGV: the session, the channel of the workers. */
export const ENLIST = scriptOf(`
  redis.call('XADD',KEYS[1],'*','s',ARGV[1])
  redis.call('SPUBLISH',ARGV[2],'')
  return {'ok'}
`)

/**
 * A sign of life, and what is there to host: new entries, and those of workers that are dead or gave them back. ARGV: worker, its lease, group, most of each, ms without a beat after which a worker
 * without a connection counts as dead (0: never), what the channels of workers begin with. Answers what was given, how many entries the worker had before,
 * whether it is drained, entries that it shall hand over, each with the worker that it is for, and which functions are paused.
 */
export const BEAT = scriptOf(`
  redis.pcall('XGROUP','CREATE',KEYS[1],ARGV[3],'0','MKSTREAM')
  local t=redis.call('TIME')
  local now=tonumber(t[1])*1000+math.floor(tonumber(t[2])/1000)
  redis.call('HSET',KEYS[2],ARGV[1],string.format('%.0f',now)..' '..ARGV[2])
  local room,grace=tonumber(ARGV[4]),tonumber(ARGV[5])
  local given,dead,live,mine={},{},0,0
  for _,c in ipairs(redis.call('XINFO','CONSUMERS',KEYS[1],ARGV[3])) do
    local m={}
    for k=1,#c,2 do m[c[k]]=c[k+1] end
    if m.name==ARGV[1] then live=live+1 mine=m.pending
    else
      local told=redis.call('HGET',KEYS[2],m.name)
      local last,lease=string.match(told or '','^(%d+) (%d+)$')
      local age=last and now-tonumber(last) or 1e15
      local isDead=not last or age>tonumber(lease)
      if not isDead and grace>0 and age>grace then isDead=redis.call('PUBSUB','SHARDNUMSUB',ARGV[6]..m.name)[2]==0 end
      if isDead then dead[#dead+1]={m.name,m.pending,age,tonumber(lease or '0')} else live=live+1 end
    end
  end
  for _,d in ipairs(dead) do
    if d[2]>0 and room>0 then
      local ids={}
      local most=math.min(room,math.max(16,math.ceil(d[2]/math.max(1,live))))
      for _,p in ipairs(redis.call('XPENDING',KEYS[1],ARGV[3],'-','+',most,d[1])) do ids[#ids+1]=p[1] end
      for _,x in ipairs(redis.call('XCLAIM',KEYS[1],ARGV[3],ARGV[1],0,unpack(ids))) do
        if x and x[2] then given[#given+1]={x[1],x[2][2]} room=room-1 end
      end
    elseif d[2]==0 and d[1]~='free' and d[3]>10*d[4] then
      redis.call('HDEL',KEYS[2],d[1],'drain:'..d[1],'move:'..d[1])
      redis.call('XGROUP','DELCONSUMER',KEYS[1],ARGV[3],d[1])
    end
  end
  if room>0 then
    local new=redis.call('XREADGROUP','GROUP',ARGV[3],ARGV[1],'COUNT',math.min(room,4),'STREAMS',KEYS[1],'>')
    if new then for _,x in ipairs(new[1][2]) do given[#given+1]={x[1],x[2][2]} end end
  end
  local moves=redis.call('HGET',KEYS[2],'move:'..ARGV[1])
  if moves then redis.call('HDEL',KEYS[2],'move:'..ARGV[1]) end
  return {'ok',given,mine,redis.call('HEXISTS',KEYS[2],'drain:'..ARGV[1]),moves or '',redis.call('HGET',KEYS[2],'pause:') or ''}
`)

/** ARGV: group, whose it shall be, entries: of what is given back the others hear at once. */
export const GIVE_BACK = scriptOf(`
  for k=4,#ARGV do redis.call('XCLAIM',KEYS[1],ARGV[1],ARGV[2],0,ARGV[k],'JUSTID') end
  redis.call('SPUBLISH',ARGV[3],'')
  return {'ok'}
`)

/** ARGV: group, entries: their sessions are over. */
export const STRIKE = scriptOf(`
  for k=2,#ARGV do
    redis.call('XACK',KEYS[1],ARGV[1],ARGV[k])
    redis.call('XDEL',KEYS[1],ARGV[k])
  end
  return {'ok'}
`)

/** ARGV: worker: it beats no more. What it has not given back is taken at once. */
export const LEAVE = scriptOf(`
  redis.call('HDEL',KEYS[2],ARGV[1],'drain:'..ARGV[1],'move:'..ARGV[1])
  return {'ok'}
`)

/** ARGV: group, an entry: whether somebody has it. */
export const IS_LISTED = scriptOf(`
  return {'ok',#redis.call('XPENDING',KEYS[1],ARGV[1],ARGV[2],ARGV[2],1)}
`)

/** ARGV: group, worker: every entry that it has. */
export const MINE = scriptOf(`
  local mine={}
  for _,p in ipairs(redis.call('XPENDING',KEYS[1],ARGV[1],'-','+',100000,ARGV[2])) do
    local x=redis.call('XRANGE',KEYS[1],p[1],p[1])[1]
    if x then mine[#mine+1]={x[1],x[2][2]} else redis.call('XACK',KEYS[1],ARGV[1],p[1]) end
  end
  return {'ok',mine}
`)
