// A module that cannot be loaded.

throw Object.assign(new RangeError('not today'), { code: 'E_LOAD' })
