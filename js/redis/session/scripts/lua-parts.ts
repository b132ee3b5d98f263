// Parts that both commits say: of a journal (lua-commit.ts) and of a host (lua-host.ts). `A` are the words of the arguments, `num` reads a number, `h` is what was read of m.

/**
 * What is short is in one argument, so many words, each of which may be empty. What may be any bytes has an argument of its own behind it, and a word all the same. Results are one argument, too (`R`).
 */
export const argumentsOf = (words: number): string => `
  local A={string.match(ARGV[1],'^${'([^ ]*) '.repeat(words).trimEnd()}$')}
  A[5]=ARGV[2] A[11]=ARGV[3] A[15]=ARGV[4]
  local R=ARGV[5]~='' and cmsgpack.unpack(ARGV[5]) or {}
`

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
    if hv then hv=string.sub(hv,skip*4+1)
    elseif skip>=len then redis.call('DEL',KEYS[5]) hv=''
    else redis.call('SET',KEYS[5],redis.call('GETRANGE',KEYS[5],skip*4,-1),'KEEPTTL') end
  end
`

/** How many hashes there are, how many go with a fresh state, and the index of the next one. A few stand in m, which `h` has from `at` on (`hv`), more in a key of their own (no `hv`). */
export const hashesKept = (at: number): string => `
  local hv=h[${at}]
  local len=(hv and #hv or redis.call('STRLEN',KEYS[5]))/4
  if len==0 then hv='' end
  local skip=0
  if fresh then skip=math.max(0,tonumber(A[9])-hf) end
  local hnext=hf+skip+math.max(0,len-skip)
`

/** An outcome that was stored before (word `at`) is missing, though no state came after it: the server has lost the end of the session. `asked` is that of the state. */
export const isOutcomeLost = (at: number): string =>
  `A[${at}]~='' and tonumber(A[${at}])>=asked and redis.call('HEXISTS',KEYS[6],A[${at}])==0`

/** Outcomes before the state were asked for by what it has seen. */
export const OUTCOMES_GO = `
  for _,n in ipairs(redis.call('HKEYS',KEYS[6])) do if tonumber(n)<asked then redis.call('HDEL',KEYS[6],n) end end
`

/**
 * Hashes that are not there yet are added, and those in m, where they changed, to the fields that are `set`: a value of more than 64 bytes makes a hash of Redis four times as large. Outcomes, which
 * begin with argument 6, are numbered from `h[on]` on. `made[5]`, `made[6]`: there are such now.
 */
export const hashesAndOutcomes = (on: number, kept: number): string => `
  local made={}
  local more=''
  if A[4]~='' then more=string.sub(A[5],(hnext-tonumber(A[4]))*4+1) end
  if hv and #hv+#more>64 then more=hv..more hv='' made[5]=true end
  if hv=='' and (#more==0 or made[5]) then
    if h[${kept}] then redis.call('HDEL',KEYS[1],'h') end
  elseif hv then
    if hv..more~=h[${kept}] then set[#set+1]='h' set[#set+1]=hv..more end
    more=''
  end
  if #more>0 then redis.call('APPEND',KEYS[5],more) end
  local on=num(h[${on}])
  for k=1,outcomes do
    local n=ARGV[4+2*k]
    if tonumber(n)>=asked and redis.call('HEXISTS',KEYS[6],n)==0 then
      redis.call('HSET',KEYS[6],n,on..':'..ARGV[5+2*k])
      made[6]=true
      on=on+1
    end
  end
  if on>num(h[${on}]) then set[#set+1]='on' set[#set+1]=on end
`

/**
 * A session is kept for `ttl` ms: keys that were `made` for as long as the others, and all of them for the whole time when a second of it has gone, or a sixteenth where it is short.
 */
export const KEPT_ON = `
  local left=redis.call('PTTL',KEYS[1])
  if left<ttl-math.min(1000,ttl/16) then for _,k in ipairs(KEYS) do redis.call('PEXPIRE',k,ttl) end
  else for n in pairs(made) do redis.call('PEXPIRE',KEYS[n],left) end end
`
