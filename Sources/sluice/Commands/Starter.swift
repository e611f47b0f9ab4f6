/// What `sluice init` writes. A test loads all of it.
enum Starter {
    static let files: [(path: String, text: String)] = [
        ("sluice.yaml", configuration), ("rules/production-orders.yaml", rules), (".env", secrets),
    ]

    private static let configuration = """
        # Sluice: which Salesforce events to relay. What becomes of them is said in rules/.
        orgs:
          prod:                                   # your name for the org; cursors are kept under it
            loginUrl: https://MyDomainName.my.salesforce.com
            auth:
              clientCredentials:
                clientId: {env: SF_CLIENT_ID}     # from .env beside this file, or the environment
                clientSecret: {env: SF_CLIENT_SECRET}
            topics:
              - /data/ChangeEvents                # everything selected in Setup > Change Data Capture
              # - name: /event/Order_Ready__e     # a platform event
              #   start: earliest                 # the first time: latest (default) or earliest (up to 72 h back)
              #   onInvalidReplay: earliest       # when the stored position has expired: earliest, latest or stop
            # pubsub:
            #   endpoint: api.deu.pubsub.salesforce.com:443   # data stays in the EU
            #   proxy: http://proxy.example.com:3128
        rules: rules
        store:
          path: sluice.db
        log:
          level: info                             # debug, info, notice, warning, error
          format: text                            # text or json

        """

    private static let rules = """
        # Rules say which events go where. Every rule that matches fires. Check with: sluice rules lint
        sluice: 1

        destinations:
          erp:
            kind: webhook
            url: https://hooks.example.com/salesforce/production-orders
            auth:
              bearer: {env: ERP_TOKEN}

        rules:
          - id: production-order-changed
            description: Tell the ERP about every change of a production order.
            match:
              entity: sfy24__ProductionOrder__c
              change: [create, update, delete, undelete]
            onGap: deliver                        # Salesforce sometimes says only that a record changed
            to:
              destination: erp
              body:
                id: ${recordId}
                change: ${event.change}
                at: ${event.time}
                status: ${record.?sfy24__Status__c}       # left out when unchanged, null when cleared
                quantity: ${record.?sfy24__Quantity__c}

        """

    private static let secrets = """
        # Secrets for sluice.yaml and rules/. Keep this file out of version control.
        SF_CLIENT_ID=
        SF_CLIENT_SECRET=
        ERP_TOKEN=

        """
}
