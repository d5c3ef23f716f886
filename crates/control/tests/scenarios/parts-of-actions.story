      0s    the run begins
      0s    build/deps begins
      0s    build/deps success cache-hit=false
      0s    build/prepare begins
      0s    build/prepare/install begins
      1m    build/prepare/install success ready=yes
      1m    build/prepare/late is skipped: its condition does not hold: steps.install.outputs.ready != 'yes'
      1m    build/prepare success ready=yes
      1m    build/compile begins
      1m    build/compile success
      1m    build/deps:post begins
    1m5s    build/deps:post success cache-hit=false
    1m5s    build success
    1m5s    the run succeeded
    1m5s  > expect step build/prepare/late skipped
    1m5s  > expect step build/prepare outputs ready=yes
    1m5s  > expect step build/compile success
    1m5s  > expect order build/deps, build/prepare, build/prepare/install, build/compile, build/deps:post
    1m5s  > expect elapsed 1m5s
