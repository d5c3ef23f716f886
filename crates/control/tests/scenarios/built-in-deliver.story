      0s    the run begins
      0s    test/test begins
      0s    test/test success
      0s    test success
      0s    build/build begins
      0s    build/build success artifact=sha256:0000000000000000000000000000000000000000000000000000000000000000
      0s    build success
      0s    deploy/deploy begins
     20s    deploy/deploy success deployment=dep_2 environment=staging release=v2 url=http://app.example.org
     20s    deploy success
     20s    promote is skipped: its condition does not hold: github.event.following[0]
     20s    the run succeeded
     20s  > expect run succeeded
     20s  > expect order test/test, build/build, deploy/deploy
     20s  > expect environment staging at new release
