      0s    the run begins
      0s    dev/one begins
      0s    dev/one success deployment=dep_2 environment=dev release=v2 url=http://app.example.org
      0s    dev success
      0s    prod/two begins
      0s    prod/two success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
      0s    prod/three begins
      0s    prod/three success body= status=200
      0s    prod success
      0s    check/smoke begins
      0s    check/smoke success
      0s    check success
      0s    the run succeeded
      0s  > expect run succeeded
      0s  > expect environment prod at new release
      0s  > expect environment dev at new release
