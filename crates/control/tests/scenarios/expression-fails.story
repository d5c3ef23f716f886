      0s    the run begins
      0s    list/find begins
      0s    script/first begins
      0s    condition/asks failure: expression.yml:27:13: `fromJSON` cannot read its argument: key must be a string at line 1 column 2, in `fromJSON(vars.SETTINGS)`
      0s    condition failure
      0s    list/find success versions=oops
      0s    list success
      0s    each failure: expression.yml:13:13: `fromJSON` cannot read its argument: expected value at line 1 column 1, in `fromJSON(needs.list.outputs.versions)`
      0s    script/first failure: expression.yml:20:23: `fromJSON` cannot read its argument: key must be a string at line 1 column 2, in `fromJSON(vars.SETTINGS)`
      0s    script/second is skipped: a step before it failed
      0s    script/third begins
      0s    script/third success
      0s    script failure
      0s    the run failed
      0s  > expect job each failure because expression.yml:13:
      0s  > expect step script/first failure because expression.yml:20:23
      0s  > expect step script/second skipped because a step before it failed
      0s  > expect step script/third success
      0s  > expect step condition/asks failure because expression.yml:27:13
      0s  > expect run failed
