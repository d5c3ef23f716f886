      0s    the run begins
      0s    build/compile begins
      1m  > after 1m approve prod as bob
      1m    what bob says is kept until something waits for it
      1m  > again is refused because received before
      1m  > approve prod as alice
      1m    what alice says is kept until something waits for it
      1m  > approve prod as mallory with role:viewer
      1m    what mallory says is kept until something waits for it
      2m  > after 1m approve prod as dave
      2m    what dave says is kept until something waits for it
      2m  > expect after 0s job prod pending
     10m    build/compile success
     10m    build success
     10m    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
     10m    what was kept counts now
     10m    bob approves prod/ask
     10m    what was kept does not count: alice may not decide this: whoever started the run does not count
     10m    what was kept does not count: mallory may not decide this: it is for role:operator, carol
     10m    what was kept counts now
     10m    dave approves prod/ask
     10m    prod/ask success approved_by=bob, dave
     10m    prod/ship begins
     10m    prod/ship success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
     10m    prod success
     10m    the run succeeded
     10m  > expect run succeeded
     10m  > expect step prod/ask outputs approved_by="bob, dave"
     10m  > expect elapsed 10m
