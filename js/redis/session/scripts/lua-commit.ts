// What a commit says, in one script: all of it or nothing. Everything in it is absolute, so that it may be repeated.

import { argumentsOf, HASHES_GO, hashesAndOutcomes, hashesKept, isFresh, isOutcomeLost, OUTCOMES_GO } from './lua-parts.js'
import { scriptOf } from './script.js'

/**
 * The words: 1 epoch, 2 token, 3 delivered or '', 4 index of the first hash or '', 5 hashes, 6 how many outcomes, 7 version of the state or '', 8 9 10 its events, results
 * and asked, 11 the state, 12 index of the first result or '', 13 how many, 14 '' or ms that its end is kept, 15 the end, 16 the number of an outcome that was stored before, or ''. Behind the results come outcomes as pairs of asked and bytes.
 */
export const COMMIT = scriptOf(`
  ${argumentsOf(16)}
  local function num(x) return tonumber(x or '0') or 0 end
  local h=redis.call('HMGET',KEYS[1],'e','t','ov','f','i','d','hf','of','se','sr','sa','on','m','b','h')
  local ends=A[14]~=''
  if not h[1] then if A[14]=='0' then return {'ok'} end return {'gone'} end
  if h[1]~=A[1] or h[2]~=A[2] then return {'fenced'} end
  local outcomes=num(A[6])
  if h[3] and (A[4]~='' or outcomes>0 or A[7]~='' or A[12]~='') then return {'over'} end
  if A[14]=='0' then redis.call('DEL',unpack(KEYS)) return {'ok'} end
  ${isFresh(9)}
  local f,i,hf,of=num(h[4]),num(h[5]),num(h[7]),num(h[8])
  ${hashesKept(15)}
  if A[4]~='' and tonumber(A[4])>hnext then return {'gap',hnext} end
  local olen=redis.call('LLEN',KEYS[3])
  local d=math.max(num(h[6]),num(A[3]))
  local onext=math.max(of+olen,d)
  local puts=A[12]~='' and (A[7]=='' or fresh)
  if puts and tonumber(A[12])>onext then return {'gap',onext} end
  local first=1
  if puts then first=first+onext-tonumber(A[12]) end
  local asked=num(h[11])
  if ${isOutcomeLost(16)} then return {'lost',A[16]} end
  if fresh then asked=tonumber(A[10]) end
  local b=num(h[14])
  if h[13] then
    local function sum(list,head) local s=0 for _,x in ipairs(list) do s=s+#x+16-head end return s end
    local was=b
    if fresh then
      local gone=tonumber(A[8])-f
      if gone>0 then b=b-sum(redis.call('LRANGE',KEYS[2],0,gone-1),9) end
      b=b+#A[11]-redis.call('STRLEN',KEYS[4])
      b=b-4*math.min(len,skip)
      local all=redis.call('HGETALL',KEYS[6])
      for k=1,#all,2 do if tonumber(all[k])<asked then b=b-#all[k+1]-16 end end
    end
    for k=1,outcomes do
      local n=ARGV[4+2*k]
      if tonumber(n)>=asked and redis.call('HEXISTS',KEYS[6],n)==0 then b=b+#ARGV[5+2*k]+16 end
    end
    if puts then for k=first,#R do b=b+#R[k]+16 end end
    if not ends and b>was and b>tonumber(h[13]) and A[7]=='' and (outcomes>0 or A[12]~='') then return {'full',b,h[13]} end
  end
  local set={}
  if fresh then
    local se=tonumber(A[8])
    if se>f then redis.call('LTRIM',KEYS[2],se-f,-1) f=se i=math.max(i,f) end
    ${HASHES_GO}
    if asked>num(h[11]) then
      ${OUTCOMES_GO}
    end
    redis.call('SET',KEYS[4],A[11])
    redis.call('HSET',KEYS[1],'f',f,'i',i,'hf',hf,'sv',A[7],'se',A[8],'sr',A[9],'sa',A[10])
  end
  ${hashesAndOutcomes(12, 15)}
  local gone=math.min(math.max(0,d-of),olen)
  if gone>0 then
    if h[13] then for _,x in ipairs(redis.call('LRANGE',KEYS[3],0,gone-1)) do b=b-#x-16 end end
    redis.call('LTRIM',KEYS[3],gone,-1)
    of=of+gone
  end
  if puts then
    if olen-gone==0 then of=onext end
    for k=first,#R,1000 do redis.call('RPUSH',KEYS[3],unpack(R,k,math.min(k+999,#R))) end
  end
  if h[13] then set[#set+1]='b' set[#set+1]=b end
  redis.call('HSET',KEYS[1],'d',d,'of',of,unpack(set))
  if ends then
    redis.call('DEL',KEYS[2],KEYS[3],KEYS[5],KEYS[6])
    redis.call('HDEL',KEYS[1],'sv','se','sr','sa','h')
    redis.call('HSET',KEYS[1],'ov',1,'f',i,'hf',hnext,'of',d)
    redis.call('SET',KEYS[4],A[15],'PX',A[14])
    redis.call('PEXPIRE',KEYS[1],A[14])
  end
  return {'ok'}
`)
