      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod
      3d  > by 72h approve prod as bob, dave
      3d    bob approves prod/ask
      3d    dave approves prod/ask
      3d    prod/ask success approved_by=bob, dave
      3d    prod/ship begins
      3d    the run goes on
      3d    prod/ship success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
      3d    prod success
      3d    the run succeeded
      3d  > expect run succeeded
      3d  > expect elapsed 72h
