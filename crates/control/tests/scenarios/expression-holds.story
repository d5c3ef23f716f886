      0s    the run begins
      0s    list/find begins
      0s    script/first begins
      0s    condition/asks begins
      0s    list/find success versions=[1, 2]
      0s    list success
      0s    each becomes each (1) · each (2)
      0s    each.0/test begins
      0s    each.1/test begins
      0s    script/first success
      0s    script/second begins
      0s    condition/asks success
      0s    condition success
      0s    each.0/test success
      0s    each.0 success
      0s    each.1/test success
      0s    each.1 success
      0s    each success
      0s    script/second success
      0s    script/third begins
      0s    script/third success
      0s    script success
      0s    the run succeeded
      0s  > expect job each success
      0s  > expect job each.1 success
      0s  > expect step script/first success
      0s  > expect step condition/asks success
      0s  > expect run succeeded
