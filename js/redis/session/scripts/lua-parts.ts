// Parts that both commits say: of a journal (lua-commit.ts) and of a host (lua-host.ts). `A` are the arguments, `num` reads a number, `h` is what was read of m.

/** A state that comes after the one that is kept: by its events, results and asked (A 8 to 10), which `h` has from `at` on. */
export const isFresh = (at: number): string => `
  local fresh=A[7]~=''
  if fresh and h[${at}] then
    for k=8,10 do
      local a,b=tonumber(A[k]),num(h[k+${at - 8}])
      if a~=b then fresh=a>b break end
    end
  end
`

/** Hashes before the state go: `skip` of the `len` that are kept. */
export const HASHES_GO = `
  if skip>0 then
    hf=hf+skip
    if skip>=len then redis.call('DEL',KEYS[5]) else redis.call('SET',KEYS[5],redis.call('GETRANGE',KEYS[5],skip*4,-1)) end
  end
`

/** How many hashes go with a fresh state, and the index of the next one. */
export const HASHES_KEPT = `
  local len=redis.call('STRLEN',KEYS[5])/4
  local skip=0
  if fresh then skip=math.max(0,tonumber(A[9])-hf) end
  local hnext=hf+skip+math.max(0,len-skip)
`

/** Outcomes before the state were asked for by what it has seen. */
export const OUTCOMES_GO = `
  for _,n in ipairs(redis.call('HKEYS',KEYS[6])) do if tonumber(n)<asked then redis.call('HDEL',KEYS[6],n) end end
`

/** Hashes that are not there yet are added; outcomes, which begin after A `head`, are numbered from `h[on]` on. */
export const hashesAndOutcomes = (head: number, on: number): string => `
  if A[4]~='' then
    local at=(hnext-tonumber(A[4]))*4
    if at<#A[5] then redis.call('APPEND',KEYS[5],string.sub(A[5],at+1)) end
  end
  local on=num(h[${on}])
  for k=1,outcomes do
    local n=A[${head - 1}+2*k]
    if tonumber(n)>=asked and redis.call('HEXISTS',KEYS[6],n)==0 then
      redis.call('HSET',KEYS[6],n,on..':'..A[${head}+2*k])
      on=on+1
    end
  end
  if on>num(h[${on}]) then redis.call('HSET',KEYS[1],'on',on) end
`
